package org.plait.lab.model;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class SafeTensorsTest {

  private static final float[] MATRIX = {1, -2, Float.MIN_VALUE, 4, 5, 6};
  private static final float[] VECTOR = {7.5f};

  @TempDir Path directory;
  private Path file;

  @BeforeEach
  void write() throws IOException {
    file = directory.resolve("deep").resolve("a.safetensors");
    Map<String, SafeTensors.Entry> tensors = new LinkedHashMap<>();
    tensors.put("matrix", new SafeTensors.Entry(List.of(2L, 3L), MATRIX));
    tensors.put("vector", new SafeTensors.Entry(List.of(1L), VECTOR));
    new SafeTensors(Map.of("note", "größer \"quoted\""), tensors).write(file);
  }

  @Test
  void whatIsWrittenIsRead() throws IOException {
    SafeTensors read = SafeTensors.read(file);
    assertEquals(Map.of("note", "größer \"quoted\""), read.metadata());
    SafeTensors.Entry matrix = Objects.requireNonNull(read.tensors().get("matrix"));
    assertEquals(List.of(2L, 3L), matrix.shape());
    assertArrayEquals(MATRIX, matrix.values());
    assertArrayEquals(VECTOR, Objects.requireNonNull(read.tensors().get("vector")).values());
  }

  @Test
  void layoutIsThatOfTheFormat() throws IOException {
    ByteBuffer bytes = ByteBuffer.wrap(Files.readAllBytes(file)).order(ByteOrder.LITTLE_ENDIAN);
    int header = (int) bytes.getLong();
    assertEquals(0, header % 8);
    assertEquals('{', bytes.get(8));
    assertEquals(8 + header + 4 * (MATRIX.length + VECTOR.length), bytes.capacity());
    assertEquals(MATRIX[1], bytes.getFloat(8 + header + 4));
  }

  @Test
  void everyDamagedByteIsNoticedButThoseOfThePadding() throws IOException {
    byte[] whole = Files.readAllBytes(file);
    int header = 8 + (int) ByteBuffer.wrap(whole).order(ByteOrder.LITTLE_ENDIAN).getLong();
    int padding = header;
    while (whole[padding - 1] == ' ') {
      padding--;
    }
    for (int i = 0; i < whole.length; i++) {
      if (i >= padding && i < header) {
        continue;
      }
      byte[] damaged = whole.clone();
      damaged[i] ^= (byte) (1 << (i % 8));
      Files.write(file, damaged);
      assertThrows(IOException.class, () -> SafeTensors.read(file), "byte " + i);
    }
  }

  @Test
  void everyTruncationIsNoticed() throws IOException {
    byte[] whole = Files.readAllBytes(file);
    for (int length = 0; length < whole.length; length++) {
      Files.write(file, Arrays.copyOf(whole, length));
      assertThrows(IOException.class, () -> SafeTensors.read(file));
    }
  }

  @Test
  void writingLeavesNothingElseBehind() throws IOException {
    try (var files = Files.list(file.getParent())) {
      assertEquals(List.of(file), files.toList());
    }
  }
}
