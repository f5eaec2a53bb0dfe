package org.plait.lab.verify;

import java.util.ArrayList;
import java.util.List;

/** The parts of the sweep, as {@code --only} names them. */
enum Suite {
  /** row_stats and logits_grad. */
  ROWS,
  /** A vocabulary in several parts. */
  SPLIT,
  /** Strides, alignment, threads, repeatability. */
  LAYOUT,
  /** Rows without an answer. */
  EDGES,
  /** More than 2^31 logits. */
  HUGE,
  /** The one-pass kernel. */
  POLICY_STEP,
  /** token_objective. */
  OBJECTIVE,
  /** group_advantage. */
  GROUPS,
  /** token_advantage and whiten. */
  RETURNS,
  /** importance_ratio. */
  RATIO,
  /** Recorded cases. */
  CASES;

  List<Step> steps(Plan plan) {
    List<Step> steps = new ArrayList<>();
    switch (this) {
      case ROWS -> steps.addAll(RowSuite.steps(plan));
      case SPLIT -> steps.addAll(SplitSuite.steps(plan));
      case LAYOUT -> steps.addAll(LayoutSuite.steps(plan));
      case EDGES -> steps.addAll(EdgeSuite.steps(plan));
      case HUGE -> steps.addAll(HugeSuite.steps(plan));
      case POLICY_STEP -> {
        steps.addAll(PolicyStepSuite.steps(plan));
        steps.addAll(PolicyStepEdgeSuite.steps(plan));
      }
      case OBJECTIVE -> {
        steps.addAll(ObjectiveSuite.steps(plan));
        steps.addAll(ObjectiveEdgeSuite.steps(plan));
      }
      case GROUPS -> steps.addAll(GroupSuite.steps(plan));
      case RETURNS -> steps.addAll(ReturnsSuite.steps(plan));
      case RATIO -> steps.addAll(RatioSuite.steps(plan));
      case CASES -> steps.addAll(CaseSuite.steps(plan));
    }
    return steps;
  }
}
