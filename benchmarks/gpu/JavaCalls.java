import java.util.Arrays;
import java.util.Random;
import org.plait.Backend;
import org.plait.DType;
import org.plait.Logits;
import org.plait.RowStats;
import org.plait.TensorView;
import org.plait.cuda.CudaEvent;
import org.plait.cuda.CudaStream;
import org.plait.cuda.DeviceMemory;
import org.plait.cuda.PinnedMemory;

/**
 * Times row_stats through the Java API on CUDA device 0: what a call costs on the host until its
 * work is enqueued, and what it takes on the device. Run from its source, with Plait on the class
 * path.
 */
public final class JavaCalls {
  private static final int CALLS = 1000;
  private static final int SAMPLES = 20;
  // Rows of random numbers that are copied over and over.
  private static final int BLOCK = 64;

  private JavaCalls() {}

  public static void main(String[] arguments) {
    try (CudaStream stream = CudaStream.create(0)) {
      Backend backend = Backend.cuda(0).onStream(stream.handle());
      hostTime(backend, stream, 1, 1024);
      deviceTime(backend, stream, 8192, 151936);
    }
  }

  private static void hostTime(Backend backend, CudaStream stream, int rows, int vocab) {
    try (Problem problem = new Problem(stream, rows, vocab)) {
      double[] micros = new double[SAMPLES];
      for (int sample = -5; sample < SAMPLES; sample++) {
        long begun = System.nanoTime();
        for (int i = 0; i < CALLS; i++) {
          RowStats.compute(backend, problem.logits, problem.out, null);
        }
        long ended = System.nanoTime();
        stream.synchronize();
        if (sample >= 0) {
          micros[sample] = (ended - begun) / 1e3 / CALLS;
        }
      }
      print("row_stats of " + rows + " row, on the host", micros, "us");
    }
  }

  private static void deviceTime(Backend backend, CudaStream stream, int rows, int vocab) {
    try (Problem problem = new Problem(stream, rows, vocab);
        CudaEvent begin = CudaEvent.create(0);
        CudaEvent end = CudaEvent.create(0)) {
      double[] millis = new double[SAMPLES];
      for (int sample = -3; sample < SAMPLES; sample++) {
        begin.record(stream);
        RowStats.compute(backend, problem.logits, problem.out, null);
        end.record(stream);
        end.synchronize();
        if (sample >= 0) {
          millis[sample] = end.millisSince(begin);
        }
      }
      print("row_stats of " + rows + " x " + vocab + " bf16, on the device", millis, "ms");
    }
  }

  private static void print(String what, double[] times, String unit) {
    Arrays.sort(times);
    System.out.printf(
        "%s: %.3f %s (%.3f to %.3f)%n",
        what, times[SAMPLES / 2], unit, times[SAMPLES / 10], times[SAMPLES * 9 / 10]);
  }

  /** bfloat16 logits between -2 and 2, targets of 0, and room for the results. */
  private static final class Problem implements AutoCloseable {
    private final DeviceMemory memory;
    private final DeviceMemory targets;
    private final DeviceMemory results;
    final Logits logits;
    final RowStats.Output out;

    Problem(CudaStream stream, int rows, int vocab) {
      memory = DeviceMemory.allocate(0, 2L * rows * vocab);
      targets = DeviceMemory.allocate(0, 8L * rows);
      results = DeviceMemory.allocate(0, 4L * 3 * rows);
      TensorView data = memory.view(DType.BFLOAT16, rows, vocab);
      stream.zero(targets.view(DType.INT64, rows));
      fill(stream, data, rows, vocab);
      logits = Logits.of(data, targets.view(DType.INT64, rows));
      out =
          new RowStats.Output(
              results.viewAt(0, DType.FLOAT32, rows),
              results.viewAt(4L * rows, DType.FLOAT32, rows),
              results.viewAt(8L * rows, DType.FLOAT32, rows),
              null);
    }

    private static void fill(CudaStream stream, TensorView data, int rows, int vocab) {
      int block = Math.min(rows, BLOCK);
      try (PinnedMemory host = PinnedMemory.allocate(2L * block * vocab)) {
        // Two at a time, through the bits of floats: sign and fraction at random, exponents near 1.
        TensorView words = host.view(DType.FLOAT32, (long) block * vocab / 2);
        Random random = new Random(1);
        for (long i = 0; i < words.elements(); i++) {
          int bits = random.nextInt() & 0x80FF80FF | 0x3F003F00;
          words.setFloat(i, Float.intBitsToFloat(bits));
        }
        TensorView from = host.view(DType.BFLOAT16, block, vocab);
        for (int row = 0; row + block <= rows; row += block) {
          stream.copy(from, data.rows(row, row + block));
        }
        stream.synchronize();
      }
    }

    @Override
    public void close() {
      memory.close();
      targets.close();
      results.close();
    }
  }
}
