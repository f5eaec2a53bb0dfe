package org.plait.lab.verify;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Named;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.plait.Backend;
import org.plait.lab.verify.Check.Verdict;

/** The loss functions of other trainers, transcribed in float64, against the kernels and oracle. */
class UpstreamFormsTest {

  static Stream<Named<Case>> cases() {
    List<UpstreamForm> forms = new ArrayList<>();
    forms.addAll(VerlForms.all());
    forms.addAll(CorrectionForms.all());
    forms.addAll(TrlForms.all());
    forms.addAll(HybridForms.all());
    return forms.stream()
        .flatMap(
            form ->
                UpstreamBatch.all().stream()
                    .map(batch -> Named.of(form.name() + ", " + batch.name(), form.toCase(batch))));
  }

  @ParameterizedTest
  @MethodSource("cases")
  void theTrainersLossAndGradientAreReproduced(Case one) {
    for (Check check : CaseSuite.run(new Plan(Backend.cpu(), true, List.of()), one)) {
      assertEquals(Verdict.PASS, check.verdict(), check::describe);
    }
  }
}
