import java.io.IOException;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.time.Instant;
import java.util.Comparator;
import java.util.List;
import java.util.zip.ZipEntry;
import java.util.zip.ZipFile;
import java.util.zip.ZipOutputStream;
import org.objectweb.asm.ClassReader;
import org.objectweb.asm.ClassWriter;

/** Writes the classes of a jar without their code to another jar: {@code Signatures FROM TO}. */
final class Signatures {
  public static void main(String[] args) throws IOException {
    try (ZipFile from = new ZipFile(args[0]);
        OutputStream file = Files.newOutputStream(Path.of(args[1]));
        ZipOutputStream to = new ZipOutputStream(file)) {
      List<? extends ZipEntry> classes =
          from.stream()
              .filter(e -> e.getName().endsWith(".class"))
              .filter(e -> !e.getName().startsWith("org/plait/internal/"))
              .sorted(Comparator.comparing(ZipEntry::getName))
              .toList();
      for (ZipEntry e : classes) {
        ClassWriter writer = new ClassWriter(0);
        new ClassReader(from.getInputStream(e))
            .accept(writer, ClassReader.SKIP_CODE | ClassReader.SKIP_DEBUG);
        ZipEntry entry = new ZipEntry(e.getName());
        // The same file every time.
        entry.setLastModifiedTime(FileTime.from(Instant.parse("2000-01-01T00:00:00Z")));
        to.putNextEntry(entry);
        to.write(writer.toByteArray());
      }
    }
  }
}
