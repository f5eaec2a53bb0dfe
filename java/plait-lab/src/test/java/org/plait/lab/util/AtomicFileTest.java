package org.plait.lab.util;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class AtomicFileTest {

  @TempDir Path directory;

  @Test
  void contentIsReplacedAndNothingElseIsLeft() throws IOException {
    Path file = directory.resolve("new").resolve("file");
    AtomicFile.write(file, new byte[100_000]);
    AtomicFile.write(file, new byte[] {1, 2, 3});
    assertArrayEquals(new byte[] {1, 2, 3}, Files.readAllBytes(file));
    try (var files = Files.list(file.getParent())) {
      assertEquals(List.of(file), files.toList());
    }
  }

  @Test
  void failedWriteLeavesTheOldContent() throws IOException {
    Path occupied = Files.createDirectories(directory.resolve("occupied"));
    Path inside = Files.writeString(occupied.resolve("kept"), "old");
    assertThrows(IOException.class, () -> AtomicFile.write(occupied, new byte[] {1}));
    assertEquals("old", Files.readString(inside));
    try (var files = Files.list(directory)) {
      assertEquals(List.of(occupied), files.toList());
    }
  }

  @Test
  void whatKilledWritersLeftIsDeletedAndNothingElse() throws IOException {
    Path kept = Files.writeString(directory.resolve("checkpoint"), "old");
    Files.writeString(directory.resolve("checkpoint.12-1.part"), "ol");
    Files.writeString(directory.resolve("other.3-4.part"), "");
    AtomicFile.deleteUnfinished(directory);
    try (var files = Files.list(directory)) {
      assertEquals(List.of(kept), files.toList());
    }
  }
}
