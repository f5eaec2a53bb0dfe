package org.plait.lab.compare;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/** A Markdown table whose columns line up as plain text too. Not thread-safe. */
final class Table {

  private final List<List<String>> rows = new ArrayList<>();

  Table(String... header) {
    rows.add(List.copyOf(Arrays.asList(header)));
  }

  void add(List<String> cells) {
    if (cells.size() != rows.get(0).size()) {
      throw new IllegalArgumentException("cells: expected as many as the header has");
    }
    rows.add(List.copyOf(cells));
  }

  /** All of it, the first column at the left and the others at the right. */
  String text() {
    int columns = rows.get(0).size();
    int[] widths = new int[columns];
    for (List<String> row : rows) {
      for (int i = 0; i < columns; i++) {
        widths[i] = Math.max(widths[i], row.get(i).length());
      }
    }
    StringBuilder text = new StringBuilder();
    for (int at = 0; at < rows.size(); at++) {
      for (int i = 0; i < columns; i++) {
        String cell = rows.get(at).get(i);
        String space = " ".repeat(widths[i] - cell.length());
        text.append("| ").append(i == 0 ? cell + space : space + cell).append(' ');
      }
      text.append("|\n");
      if (at == 0) {
        for (int i = 0; i < columns; i++) {
          text.append("| ").append("-".repeat(Math.max(2, widths[i] - 1)));
          text.append(i == 0 ? "- " : ": ");
        }
        text.append("|\n");
      }
    }
    return text.toString();
  }
}
