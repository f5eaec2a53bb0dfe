package org.plait.benchmarks;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.awt.image.BufferedImage;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import javax.imageio.ImageIO;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ChartsTest {
  @TempDir Path directory;

  @Test
  void eachChartIsAsWideAsAReadmeAndShowsItsSeries() throws IOException {
    Set<String> drawn = draw(ReportTest.DOCUMENT);
    assertEquals(Set.of("r-pytorch.png", "r-bandwidth.png", "r-scaling.png"), drawn);
    for (String file : drawn) {
      BufferedImage image = ImageIO.read(directory.resolve(file).toFile());
      assertEquals(850, image.getWidth(), file);
      assertTrue(count(image, ChartStyle.COLORS[0].getRGB()) > 100, file + " has no first series");
    }
  }

  @Test
  void aBarIsLongerWhereTheRatioIsLarger() throws IOException {
    draw(ReportTest.DOCUMENT);
    BufferedImage before = ImageIO.read(directory.resolve("r-pytorch.png").toFile());
    draw(ReportTest.DOCUMENT.replace("\"50.0\": 1000", "\"50.0\": 51"));
    BufferedImage after = ImageIO.read(directory.resolve("r-pytorch.png").toFile());
    int blue = ChartStyle.COLORS[0].getRGB();
    assertTrue(count(after, blue) < 0.9 * count(before, blue));
  }

  @Test
  void whatWasNotMeasuredIsNotDrawn() throws IOException {
    assertEquals(Set.of(), draw("{\"machine\": {}, \"jmh\": []}"));
    Set<String> drawn = draw(ReportTest.DOCUMENT.replace("\"tokens\":", "\"rows\":"));
    assertFalse(drawn.contains("r-scaling.png"), drawn::toString);
  }

  /** The charts that there are. */
  private Set<String> draw(String document) throws IOException {
    Path json = Files.writeString(directory.resolve("r.json"), document);
    Charts.main(new String[] {json.toString()});
    try (Stream<Path> files = Files.list(directory)) {
      return files
          .map(file -> file.getFileName().toString())
          .filter(name -> name.endsWith(".png"))
          .collect(Collectors.toCollection(TreeSet::new));
    }
  }

  private static long count(BufferedImage image, int color) {
    long count = 0;
    for (int y = 0; y < image.getHeight(); y++) {
      for (int x = 0; x < image.getWidth(); x++) {
        count += image.getRGB(x, y) == color ? 1 : 0;
      }
    }
    return count;
  }
}
