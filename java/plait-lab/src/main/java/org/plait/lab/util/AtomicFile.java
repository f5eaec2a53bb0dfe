package org.plait.lab.util;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.Objects;

/**
 * Replaces files in one step: a kill at any moment, or a loss of power, leaves the old or the new
 * one whole. A kill can also leave a file beside it that holds a part of the new one, which {@link
 * #deleteUnfinished} removes.
 */
public final class AtomicFile {

  /** How the names of unfinished files end. */
  static final String UNFINISHED = ".part";

  private AtomicFile() {}

  /**
   * Writes the bytes beside the file, forces them to disk, and renames them over it. When this
   * returns, a loss of power does not bring the old content back.
   *
   * @throws IOException if the disk is full, say; the old content is still there
   */
  public static void write(Path file, ByteBuffer bytes) throws IOException {
    Path directory = Objects.requireNonNull(file.toAbsolutePath().getParent(), "not a root");
    Files.createDirectories(directory);
    // Not a temporary file of the JDK's, which nobody else may read.
    String unique = ProcessHandle.current().pid() + "-" + Thread.currentThread().getId();
    Path written = file.resolveSibling(file.getFileName() + "." + unique + UNFINISHED);
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
    } catch (IOException e) {
      throw new IOException("cannot write " + file + ": " + e.getMessage(), e);
    } finally {
      Files.deleteIfExists(written);
    }
    force(directory);
  }

  /** Makes a rename in the directory outlast a loss of power. */
  private static void force(Path directory) throws IOException {
    try (FileChannel channel = FileChannel.open(directory, StandardOpenOption.READ)) {
      channel.force(true);
    }
  }

  /** Removes what killed writers left in a directory that nobody writes to now. */
  public static void deleteUnfinished(Path directory) throws IOException {
    try (DirectoryStream<Path> files = Files.newDirectoryStream(directory, "*" + UNFINISHED)) {
      for (Path file : files) {
        Files.deleteIfExists(file);
      }
    }
  }

  /** Writes bytes; see {@link #write(Path, ByteBuffer)}. */
  public static void write(Path file, byte[] bytes) throws IOException {
    write(file, ByteBuffer.wrap(bytes));
  }
}
