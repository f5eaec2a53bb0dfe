package org.plait.lab.compare;

import java.util.ArrayList;
import java.util.List;
import java.util.function.Function;
import java.util.function.ToDoubleFunction;
import org.plait.lab.train.RunResult;
import org.plait.lab.train.RunResult.Point;
import org.plait.lab.train.StepChart.Line;

/**
 * What the runs of an arm came to.
 *
 * @param runs one per seed, in order
 */
record ArmResult(Arm arm, List<RunResult> runs) {

  ArmResult {
    runs = List.copyOf(runs);
  }

  /** A value over the seeds. */
  Spread over(Function<RunResult, Double> value) {
    return Spread.of(runs.stream().map(value).toList());
  }

  Spread after(Metric metric) {
    return over(run -> metric.of(run.after()));
  }

  Spread before(Metric metric) {
    return over(run -> metric.of(run.before()));
  }

  /** The mean over the seeds, at each step where a seed measured the value. */
  Line curve(ToDoubleFunction<Point> value) {
    Line line = new Line();
    addTo(line, value);
    return line;
  }

  /** The same, from the base on. */
  Line curve(Metric start, ToDoubleFunction<Point> value) {
    Line line = new Line();
    line.add(0, before(start).mean());
    addTo(line, value);
    return line;
  }

  private void addTo(Line line, ToDoubleFunction<Point> value) {
    for (int i = 0; i < runs.get(0).points().size(); i++) {
      List<Double> measured = new ArrayList<>();
      for (RunResult run : runs) {
        double one = value.applyAsDouble(run.points().get(i));
        if (!Double.isNaN(one)) {
          measured.add(one);
        }
      }
      if (!measured.isEmpty()) {
        line.add(runs.get(0).points().get(i).step(), Spread.of(measured).mean());
      }
    }
  }
}
