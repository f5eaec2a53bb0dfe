"""What the rules make of small pieces of code. `python3 -m unittest discover native/test/mutation`."""

import unittest

import report
import rules
import source

NEIGHBOURS = source.enumerators(["enum kind { KIND_A = 0, KIND_B = 1, /* the last */ KIND_C = 2 };"])


def changed(code):
    """The mutants of the body of a function: rule and what the code becomes."""
    text = "void F() {\n" + code + "\n}\n"
    return {(m.rule, m.apply(text)[11:-3].strip()) for m in rules.mutants("f.h", text, NEIGHBOURS)}


class RulesTest(unittest.TestCase):

    def test_operators_are_told_from_pointers_and_templates(self):
        self.assertEqual(changed("const T* x = Get<T>(a * b);"), {("scale", "const T* x = Get<T>(a / b);")})

    def test_comparisons_move_their_bound(self):
        self.assertEqual(changed("return a < b;"), {("boundary", "return a <= b;")})
        self.assertEqual(changed("return a == b;"), {("equality", "return a != b;")})

    def test_loops_begin_late_and_end_early(self):
        found = changed("for (int t = begin; t < end; ++t) Visit(t);")
        self.assertIn(("loop-begin", "for (int t = begin + 1; t < end; ++t) Visit(t);"), found)
        self.assertIn(("loop-end", "for (int t = begin; t < end - 1; ++t) Visit(t);"), found)
        self.assertIn(("boundary", "for (int t = begin; t <= end; ++t) Visit(t);"), found)
        self.assertIn(("statement", "for (int t = begin; t < end; ++t) ;"), found)

    def test_guards_and_checks_are_dropped(self):
        self.assertIn(("guard", "if (false) return 0;"), changed("if (a.b(c)) return 0;"))
        self.assertEqual(changed("PLAIT_TRY(Check(a));"), {("check", ";")})
        self.assertIn(("if-true", "if (true) x = y;"), changed("if (c) x = y;"))

    def test_each_operand_is_dropped_once(self):
        found = {code for rule, code in changed("return a && f(b || c) && d;") if rule.startswith("drop")}
        self.assertEqual(
            found,
            {
                "return f(b || c) && d;", "return a && d;", "return a && f(b || c);", "return a && f(b) && d;",
                "return a && f(c) && d;",
            },
        )  # fmt: skip

    def test_conditionals_are_forced(self):
        found = changed("x = a > b ? c : d;")
        self.assertIn(("ternary-true", "x = true ? c : d;"), found)
        self.assertIn(("select-second", "y = b;"), changed("y = Select(m, a, b);"))

    def test_constants_and_enumerators_move_to_a_neighbour(self):
        self.assertEqual(changed("return 7;"), {("plus-one", "return 8;"), ("minus-one", "return 6;")})
        self.assertEqual(changed("return 0xFFu;"), {("plus-one", "return 0x100u;"), ("minus-one", "return 0xfeu;")})
        self.assertEqual(changed("return 2.0f;"), {("perturb", "return 2.002f;")})
        self.assertEqual(changed("return KIND_C;"), {("enum", "return KIND_A;")})
        self.assertEqual(changed("case KIND_C: break;"), set())

    def test_arrays_may_be_too_short_but_not_too_long(self):
        self.assertEqual(changed("double x[4];"), {("minus-one", "double x[3];")})

    def test_declarations_and_what_is_no_code_stay(self):
        code = "int64_t x;\nconst Foo y(x);\n// a + b\n#if A + 1\n#endif\nstatic_assert(a < 1);"
        self.assertEqual(changed(code), set())
        self.assertEqual(changed('Say("a + b");'), {("statement", ";")})

    def test_mutants_keep_the_lines_and_their_ids_differ(self):
        text = "void F() {\n  Call(a,\n       b + 1);\n}\n"
        mutants = rules.mutants("f.h", text, {})
        self.assertEqual(len({m.id for m in mutants}), len(mutants))
        for mutant in mutants:
            self.assertEqual(mutant.apply(text).count("\n"), text.count("\n"), mutant.id)

    def test_samples_repeat_and_spread(self):
        pool = rules.mutants("f.h", "void F() {\n" + "  x += 1;\n" * 50 + "}\n", {})
        chosen = rules.sample(pool, 20, seed=3)
        self.assertEqual([m.id for m in chosen], [m.id for m in rules.sample(pool, 20, seed=3)])
        self.assertEqual(len({m.id for m in chosen}), 20)
        self.assertEqual({m.rule for m in chosen}, {m.rule for m in pool})

    def test_intervals_are_wilsons(self):
        low, high = report.wilson(95, 100)
        self.assertAlmostEqual(low, 0.8882, places=4)
        self.assertAlmostEqual(high, 0.9785, places=4)


if __name__ == "__main__":
    unittest.main()
