package org.plait.lab.verify;

import org.plait.Baseline;
import org.plait.EpsilonPlace;
import org.plait.GroupAdvantage;
import org.plait.Scale;
import org.plait.Singleton;
import org.plait.Statistics;
import org.plait.TokenAdvantage;
import org.plait.Whitening;

/** One step from the rewards of a case to its advantages. */
sealed interface AdvantageStep {

  /** {@code group_advantage} of what each sequence has so far. */
  record Group(GroupAdvantage options) implements AdvantageStep {}

  /**
   * {@code token_advantage}; what a sequence has so far is the reward of its last valid token, and
   * the rewards of tokens stay where they are.
   */
  record Tokens(TokenAdvantage options) implements AdvantageStep {}

  /** {@code whiten}; what a sequence has so far stands at each of its tokens. */
  record Whiten(Whitening options) implements AdvantageStep {}

  /** Reads a step. */
  static AdvantageStep read(JsonFields given) {
    String kind = given.text("kind", "group");
    AdvantageStep step =
        switch (kind) {
          case "group" -> new Group(readGroup(given));
          case "tokens" ->
              new Tokens(
                  new TokenAdvantage(
                      given.real("gamma", 1),
                      given.real("lambda", 1),
                      given.flag("restart", false)));
          case "whiten" ->
              new Whiten(
                  new Whitening(
                      given.flag("sample", true),
                      given.flag("shift", true),
                      given.real("floor", 0),
                      given.real("epsilon", 1e-8f)));
          default ->
              throw new IllegalArgumentException(
                  given.where("kind")
                      + " must be one of group, tokens, whiten, not \""
                      + kind
                      + "\"");
        };
    given.done();
    return step;
  }

  private static GroupAdvantage readGroup(JsonFields given) {
    GroupAdvantage base = AdvantagePresets.read(given);
    return new GroupAdvantage(
        given.choice("baseline", Baseline.class, base.baseline()),
        given.choice("scale", Scale.class, base.scale()),
        given.choice("singleton", Singleton.class, base.singleton()),
        given.flag("sample_std", base.sampleStd()),
        given.real("epsilon", base.epsilon()),
        given.choice("epsilon_place", EpsilonPlace.class, base.epsilonPlace()),
        given.choice("statistics", Statistics.class, base.statistics()),
        given.flag("zero_std_one", base.zeroStdOne()),
        given.real("std_floor", base.stdFloor()));
  }
}
