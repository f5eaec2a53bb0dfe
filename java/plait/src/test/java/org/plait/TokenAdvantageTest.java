package org.plait;

import static java.util.Objects.requireNonNull;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.plait.Refusals.missing;
import static org.plait.Refusals.overlaps;
import static org.plait.Refusals.refused;
import static org.plait.Role.IGNORED;
import static org.plait.Role.ROLLOUT;
import static org.plait.StepFixture.guard;

import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

class TokenAdvantageTest {
  private static final Backend CPU = Backend.cpu();

  @Test
  void generalisedAdvantagesAreThoseOfTheRecursion() {
    TokenAdvantage.Output out = outputs(3);
    compute(
        TokenAdvantage.gae(0.9f, 0.8f),
        TokenBatch.builder(3).build(),
        floats(0, 0, 1),
        floats(0.5, 0.6, 0.7),
        out);
    // delta = (0.9 * 0.6 - 0.5, 0.9 * 0.7 - 0.6, 1 - 0.7), and 0.72 of the next advantage on top.
    float[] expected = Tokens.values(0.21712, 0.246, 0.3);
    assertArrayEquals(expected, out.advantages().toFloats(), 1e-6f);
    assertArrayEquals(
        Tokens.values(0.71712, 0.846, 1), requireNonNull(out.returns()).toFloats(), 1e-6f);
  }

  @Test
  void withoutValuesTheAdvantageIsTheDiscountedReturnToGo() {
    TokenAdvantage.Output out = outputs(4);
    TokenBatch batch = TokenBatch.builder(4).offsets(TensorView.copyOf(0L, 3, 4)).build();
    compute(TokenAdvantage.returnsToGo(0.5f), batch, floats(1, 0, 4, 7), null, out);
    assertArrayEquals(Tokens.values(2, 2, 4, 7), out.advantages().toFloats());
    assertArrayEquals(
        out.advantages().toFloats(), requireNonNull(out.returns()).toFloats(), "no values");
  }

  @Test
  void ignoredTokensAreSteppedOverOrEndWhatFollowsThem() {
    TokenBatch batch =
        TokenBatch.builder(4).roles(TensorView.copyOf(ROLLOUT, ROLLOUT, IGNORED, ROLLOUT)).build();
    TokenAdvantage.Output out = outputs(4);
    TensorView rewards = floats(1, 2, Double.NaN, 8);
    compute(new TokenAdvantage(0.5f, 1, false), batch, rewards, null, out);
    assertArrayEquals(Tokens.values(4, 6, 0, 8), out.advantages().toFloats());
    compute(TokenAdvantage.returnsToGo(0.5f), batch, rewards, null, out);
    assertArrayEquals(Tokens.values(2, 2, 0, 8), out.advantages().toFloats());
    assertEquals(0, requireNonNull(out.returns()).getFloat(2));
  }

  @Test
  void aRewardAtTheLastTokenSpreadsOverTheResponse() {
    TokenBatch batch = TokenBatch.builder(5).offsets(TensorView.copyOf(0L, 2, 5)).build();
    TokenAdvantage.Output out = outputs(5);
    compute(TokenAdvantage.returnsToGo(1), batch, floats(0, 0.3, 0, 0, -2), null, out);
    assertArrayEquals(Tokens.values(0.3, 0.3, -2, -2, -2), out.advantages().toFloats());
  }

  @Test
  void whiteningHasMeanZeroAndTheVarianceOfItsLibrary() {
    TokenBatch batch =
        TokenBatch.builder(4).roles(TensorView.copyOf(ROLLOUT, IGNORED, ROLLOUT, ROLLOUT)).build();
    TensorView x = floats(1, Double.NaN, 2, 6);
    TensorView out = TensorView.allocate(DType.FLOAT32, 4);
    Whitening.verl().compute(CPU, batch, x, out);
    double sample = Math.sqrt((4 + 1 + 9) / 2.0 + 1e-8);
    assertArrayEquals(
        Tokens.values(-2 / sample, 0, -1 / sample, 3 / sample), out.toFloats(), 1e-6f);
    Whitening.openRlhf().compute(CPU, batch, x, out);
    double population = Math.sqrt(14 / 3.0);
    assertArrayEquals(
        Tokens.values(-2 / population, 0, -1 / population, 3 / population), out.toFloats(), 1e-6f);
    new Whitening(true, false, 0, 0).compute(CPU, batch, x, out);
    double unshifted = Math.sqrt(7);
    assertArrayEquals(
        Tokens.values(1 / unshifted, 0, 2 / unshifted, 6 / unshifted), out.toFloats(), 1e-6f);
    new Whitening(true, true, 16, 9).compute(CPU, batch, x, out);
    assertArrayEquals(Tokens.values(-0.4, 0, -0.2, 0.6), out.toFloats(), 1e-6f, "sqrt(16 + 9)");
  }

  @Test
  void whiteningWorksInPlaceAndLeavesNothingOfEqualOrSingleValues() {
    TensorView x = floats(1, 2, 6);
    TensorView out = TensorView.allocate(DType.FLOAT32, 3);
    TokenBatch batch = TokenBatch.builder(3).build();
    Whitening.verl().compute(CPU, batch, x, out);
    Whitening.verl().compute(CPU, batch, x, x);
    assertArrayEquals(out.toFloats(), x.toFloats());
    assertNotEquals(0, x.getFloat(0));

    TensorView equal = StepFixture.filled(7, 0.1f);
    Whitening.verl().compute(CPU, TokenBatch.builder(7).build(), equal, equal);
    assertArrayEquals(new float[7], equal.toFloats());
    TensorView one = floats(3);
    new Whitening(true, false, 0, 1).compute(CPU, TokenBatch.builder(1).build(), one, one);
    assertEquals(0, one.getFloat(0));
    TensorView none = TensorView.allocate(DType.FLOAT32, 0);
    Whitening.verl().compute(CPU, TokenBatch.builder(0).build(), none, none);
  }

  @Test
  void reinforcePlusPlusWhitensReturnsToGoOverTheBatch() {
    TokenBatch batch = TokenBatch.builder(5).offsets(TensorView.copyOf(0L, 2, 5)).build();
    TokenAdvantage.Output out = outputs(5);
    compute(TokenAdvantage.returnsToGo(1), batch, floats(0, 1, 0, 0, 0), null, out);
    Whitening.verl().compute(CPU, batch, out.advantages(), out.advantages());
    // Returns 1, 1, 0, 0, 0: mean 0.4, sample variance 1.2 / 4.
    double std = Math.sqrt(0.3 + 1e-8);
    float high = (float) (0.6 / std);
    float low = (float) (-0.4 / std);
    assertArrayEquals(new float[] {high, high, low, low, low}, out.advantages().toFloats(), 1e-6f);
  }

  /** Whitening subtracts the mean over tokens, so equal rewards keep an advantage beside others. */
  @Test
  void theBaselineFormLeavesGroupsOfEqualRewardsAnAdvantageWhereLengthsDiffer() {
    TensorView rewards = TensorView.copyOf(1f, 0, 1, 1);
    Groups groups = Groups.offsets(TensorView.copyOf(0L, 2, 4));
    float[] centred = GroupAdvantage.reinforcePlusPlusBaseline().of(rewards, groups).toFloats();
    assertArrayEquals(Tokens.values(0.5, -0.5, 0, 0), centred);

    // Responses of three, one, one and one tokens, each with its advantage at its end.
    TokenBatch batch = TokenBatch.builder(6).offsets(TensorView.copyOf(0L, 3, 4, 5, 6)).build();
    TokenAdvantage.Output out = outputs(6);
    compute(
        TokenAdvantage.returnsToGo(1),
        batch,
        floats(0, 0, centred[0], centred[1], centred[2], centred[3]),
        null,
        out);
    Whitening.verl().compute(CPU, batch, out.advantages(), out.advantages());
    double mean = (3 * 0.5 - 0.5) / 6;
    double variance = (4 * 0.25 - 6 * mean * mean) / 5;
    double std = Math.sqrt(variance + 1e-8);
    assertEquals((0.5 - mean) / std, out.advantages().getFloat(0), 1e-6);
    assertEquals(-mean / std, out.advantages().getFloat(4), 1e-6);
    assertNotEquals(0, out.advantages().getFloat(5));
  }

  @Test
  void badArgumentsAreRefusedByNameWithNothingWritten() {
    refused("gamma", () -> TokenAdvantage.gae(1.1f, 1));
    refused("gamma", () -> TokenAdvantage.returnsToGo(Float.NaN));
    refused("lambda", () -> TokenAdvantage.gae(1, -0.1f));
    refused("floor", () -> new Whitening(true, true, -1, 0));
    refused("epsilon", () -> new Whitening(true, true, 0, Float.POSITIVE_INFINITY));

    TokenAdvantage gae = TokenAdvantage.gae(1, 1);
    TokenBatch batch = TokenBatch.builder(3).build();
    TensorView x = floats(1, 2, 3);
    TensorView two = floats(1, 2);
    TokenAdvantage.Output out = outputs(3);
    Runnable unwritten = guard(out.advantages(), out.returns());
    refused("rewards", () -> compute(gae, batch, two, null, out));
    refused("rewards", () -> compute(gae, batch, missing(), null, out));
    refused("values", () -> compute(gae, batch, x, two, out));
    refused("advantages", () -> compute(gae, batch, x, null, new TokenAdvantage.Output(two, null)));
    refused("batch", () -> compute(gae, missing(), x, null, out));
    refused("out", () -> compute(gae, batch, x, null, missing()));
    overlaps(() -> compute(gae, batch, x, null, new TokenAdvantage.Output(x, null)));
    TokenBatch role = TokenBatch.builder(3).roles(TensorView.allocate(DType.UINT8, 3)).build();
    requireNonNull(role.roles()).setLong(1, 4);
    refused("roles[1]", () -> compute(gae, role, x, null, out));
    refused("roles[1]", () -> Whitening.verl().compute(CPU, role, x, out.advantages()));
    TokenBatch cut = TokenBatch.builder(3).offsets(TensorView.copyOf(0L, 2)).build();
    refused("offsets[1]", () -> compute(gae, cut, x, null, out));
    refused("x", () -> Whitening.verl().compute(CPU, batch, two, out.advantages()));
    refused("out", () -> Whitening.verl().compute(CPU, batch, x, two));
    refused("batch", () -> Whitening.verl().compute(CPU, missing(), x, out.advantages()));
    TensorView four = floats(1, 2, 3, 4);
    overlaps(() -> Whitening.verl().compute(CPU, batch, four.rows(0, 3), four.rows(1, 4)));
    unwritten.run();
    assertArrayEquals(Tokens.values(1, 2, 3), x.toFloats());
  }

  private static void compute(
      TokenAdvantage options,
      TokenBatch batch,
      TensorView rewards,
      @Nullable TensorView values,
      TokenAdvantage.Output out) {
    options.compute(CPU, batch, rewards, values, out);
  }

  private static TokenAdvantage.Output outputs(long tokens) {
    return new TokenAdvantage.Output(
        TensorView.allocate(DType.FLOAT32, tokens), TensorView.allocate(DType.FLOAT32, tokens));
  }

  private static TensorView floats(double... values) {
    return TensorView.copyOf(Tokens.values(values));
  }
}
