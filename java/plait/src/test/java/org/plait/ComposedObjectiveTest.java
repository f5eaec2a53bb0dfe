package org.plait;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.Arrays;
import org.junit.jupiter.api.Test;

/** The example of ADDING-AN-OBJECTIVE.md: an objective that needs no new code. */
class ComposedObjectiveTest {
  /** {@code -p^alpha} (Li et al. 2025, arXiv:2510.00526), token mean over demonstrations. */
  private static Objective powerOfProbability(float alpha) {
    Rule demonstration =
        Rule.builder()
            .policy(PolicyLoss.RESHAPED, Term.of(1).withPopulation(Population.OWN_ROLE))
            .behaviour(Behaviour.CERTAIN)
            .reshape(Reshape.POWER, alpha)
            .build();
    return Objective.builder().demonstration(demonstration).build();
  }

  @Test
  void anObjectiveOfAPaperIsComposedFromWhatThereIs() {
    Tokens tokens = Tokens.random(3, 4);
    tokens.roles = new Role[4];
    Arrays.fill(tokens.roles, Role.DEMONSTRATION);
    tokens.advantages = Tokens.values(1, 1, 1, 1);
    tokens.logp = Tokens.values(-0.05, -0.5, -1, -3);
    Objective objective = powerOfProbability(10);
    assertEquals("", objective.secondPass());
    Tokens.Result result = tokens.run(objective);
    double loss = 0;
    for (int t = 0; t < 4; t++) {
      double power = Math.exp(10 * (double) tokens.logp[t]) / 4;
      assertEquals(-10 * power, result.c()[t], 1e-6 * 10 * power);
      loss -= power;
    }
    assertEquals(loss, result.metrics().loss(), 1e-6 * Math.abs(loss));
  }
}
