package org.plait.lab.model;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.util.List;
import java.util.stream.IntStream;
import org.bytedeco.pytorch.global.torch;
import org.junit.jupiter.api.Test;

class WorkersTest {

  @Test
  void resultsComeInOrder() {
    try (Workers workers = new Workers(3)) {
      List<Integer> expected = IntStream.range(0, 50).map(i -> i * i).boxed().toList();
      assertEquals(expected, workers.map(50, i -> i * i));
    }
  }

  @Test
  void operatorsRunInTheThreadThatCallsThem() {
    try (Workers workers = new Workers(2)) {
      assertEquals(List.of(1, 1), workers.map(2, i -> torch.get_num_threads()));
    }
  }

  @Test
  void failureOfAPartIsTheFailureOfTheWhole() {
    try (Workers workers = new Workers(2)) {
      IllegalStateException thrown =
          assertThrows(
              IllegalStateException.class,
              () ->
                  workers.map(
                      4,
                      i -> {
                        if (i == 2) {
                          throw new IllegalStateException("part 2");
                        }
                        return i;
                      }));
      assertEquals("part 2", thrown.getMessage());
    }
  }

  @Test
  void fewerThanOneThreadIsRefused() {
    assertThrows(IllegalArgumentException.class, () -> new Workers(0));
  }
}
