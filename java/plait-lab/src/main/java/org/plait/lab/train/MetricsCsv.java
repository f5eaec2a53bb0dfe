package org.plait.lab.train;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.StringJoiner;

/** One row of metrics per step. An empty cell means that the step has no such value. */
final class MetricsCsv implements AutoCloseable {

  /** What a row holds, besides the step. */
  enum Column {
    LOSS,
    REWARD,
    ENTROPY,
    GRADIENT_NORM,
    LEARNING_RATE,
    TOKENS,
    ROLLOUTS,
    DEMONSTRATIONS,
    CLIP_FRACTION_LOW,
    CLIP_FRACTION_HIGH,
    APPROX_KL,
    EVAL_SAMPLED,
    EVAL_ENTROPY,
    SAMPLING_MS,
    UPDATE_MS,
    LOSS_MS
  }

  /** The values of one step. Not thread-safe. */
  static final class Row {
    private final int step;
    private final Map<Column, Double> values = new EnumMap<>(Column.class);

    Row(int step) {
      this.step = step;
    }

    int step() {
      return step;
    }

    /** The value of a cell; NaN if it is empty. */
    double get(Column column) {
      return values.getOrDefault(column, Double.NaN);
    }

    Row set(Column column, double value) {
      values.put(column, value);
      return this;
    }
  }

  private final FileChannel channel;

  private MetricsCsv(FileChannel channel) {
    this.channel = channel;
  }

  /** Starts a file. */
  static MetricsCsv create(Path file) throws IOException {
    MetricsCsv csv =
        new MetricsCsv(
            FileChannel.open(
                file,
                StandardOpenOption.CREATE,
                StandardOpenOption.TRUNCATE_EXISTING,
                StandardOpenOption.WRITE));
    StringJoiner header = new StringJoiner(",", "step,", "\n");
    for (Column column : Column.values()) {
      header.add(column.name().toLowerCase(Locale.ROOT));
    }
    csv.append(header.toString());
    return csv;
  }

  /** Continues a file at a position that {@link #position} gave, and drops what follows it. */
  static MetricsCsv resume(Path file, long position) throws IOException {
    FileChannel channel = FileChannel.open(file, StandardOpenOption.WRITE);
    channel.truncate(position).position(position);
    return new MetricsCsv(channel);
  }

  /**
   * Bytes written so far, which are on disk when this returns: a checkpoint that counts on them
   * must not outlast them.
   */
  long position() throws IOException {
    channel.force(true);
    return channel.position();
  }

  void write(Row row) throws IOException {
    StringJoiner line = new StringJoiner(",", row.step() + ",", "\n");
    for (Column column : Column.values()) {
      double value = row.get(column);
      line.add(Double.isNaN(value) ? "" : String.format(Locale.ROOT, "%.6g", value));
    }
    append(line.toString());
  }

  private void append(String text) throws IOException {
    ByteBuffer bytes = ByteBuffer.wrap(text.getBytes(StandardCharsets.UTF_8));
    while (bytes.hasRemaining()) {
      channel.write(bytes);
    }
  }

  @Override
  public void close() throws IOException {
    channel.close();
  }

  /** All rows of a file. */
  static List<Row> read(Path file) throws IOException {
    List<Row> rows = new ArrayList<>();
    List<String> lines = Files.readAllLines(file);
    for (String line : lines.subList(1, lines.size())) {
      String[] cells = line.split(",", -1);
      Row row = new Row(Integer.parseInt(cells[0]));
      int next = 1;
      for (Column column : Column.values()) {
        String cell = cells[next++];
        row.set(column, cell.isEmpty() ? Double.NaN : Double.parseDouble(cell));
      }
      rows.add(row);
    }
    return rows;
  }
}
