package org.plait.lab.util;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;

/** Replaces files in one step, so that a kill at any moment leaves the old or the new one whole. */
public final class AtomicFile {

  private AtomicFile() {}

  /** Writes the bytes beside the file, forces them to disk, and renames them over it. */
  public static void write(Path file, ByteBuffer bytes) throws IOException {
    Path directory = file.toAbsolutePath().getParent();
    Files.createDirectories(directory);
    // Not a temporary file of the JDK's, which nobody else may read.
    String unique = ProcessHandle.current().pid() + "-" + Thread.currentThread().getId();
    Path written = file.resolveSibling(file.getFileName() + "." + unique + ".part");
    try {
      try (FileChannel channel =
          FileChannel.open(
              written,
              StandardOpenOption.CREATE,
              StandardOpenOption.TRUNCATE_EXISTING,
              StandardOpenOption.WRITE)) {
        while (bytes.hasRemaining()) {
          channel.write(bytes);
        }
        channel.force(true);
      }
      Files.move(
          written, file, StandardCopyOption.REPLACE_EXISTING, StandardCopyOption.ATOMIC_MOVE);
    } finally {
      Files.deleteIfExists(written);
    }
  }

  /** Writes bytes; see {@link #write(Path, ByteBuffer)}. */
  public static void write(Path file, byte[] bytes) throws IOException {
    write(file, ByteBuffer.wrap(bytes));
  }
}
