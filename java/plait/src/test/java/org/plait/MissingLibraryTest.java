package org.plait;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNotSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.net.URL;
import java.net.URLClassLoader;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;
import org.bytedeco.javacpp.Pointer;
import org.junit.jupiter.api.Test;

/** Plait's classes without its natives: what a user sees who forgot the classifier jar. */
class MissingLibraryTest {
  @Test
  void theCpuBackendIsUnavailableWithAReasonThatSaysWhatToDo() throws Exception {
    try (URLClassLoader loader = withoutNatives()) {
      Object cpu = call(loader, "Backend", "cpu");
      assertNotSame(Backend.class, cpu.getClass());
      assertEquals(false, cpu.getClass().getMethod("isAvailable").invoke(cpu));
      Object reason = cpu.getClass().getMethod("unavailableReason").invoke(cpu);
      assertNotNull(reason);
      assertTrue(reason.toString().contains("classifier"), reason.toString());
      assertFalse(reason.toString().contains("null"), reason.toString());
      Object cuda = call(loader, "Backend", "cuda", 0);
      assertEquals(reason, cuda.getClass().getMethod("unavailableReason").invoke(cuda));
    }
  }

  @Test
  void callsThrowAPlaitExceptionAndNeverALinkageError() throws Exception {
    FloatBuffer buffer =
        ByteBuffer.allocateDirect(16).order(ByteOrder.nativeOrder()).asFloatBuffer();
    try (URLClassLoader loader = withoutNatives()) {
      unavailable(loader, "TensorView", "of", buffer);
      unavailable(loader, "TensorView", "copyOf", new float[] {1});
      unavailable(loader, "Backend", "nativeVersion");
      unavailable(loader, "PolicyStep", "workspaceBytes", 1L, 1L);
      Object sft = call(loader, "Objective", "sft");
      assertTrue(sft.toString().startsWith("Objective["), sft.toString());
    }
  }

  private static void unavailable(
      URLClassLoader loader, String type, String method, Object... arguments) {
    InvocationTargetException e =
        assertThrows(InvocationTargetException.class, () -> call(loader, type, method, arguments));
    Throwable thrown = e.getTargetException();
    assertEquals("org.plait.PlaitException", thrown.getClass().getName(), thrown.toString());
    assertTrue(Refusals.message(thrown).contains("classifier"), thrown.toString());
  }

  /** Calls a static method of the class that the loader defines itself. */
  private static Object call(URLClassLoader loader, String type, String name, Object... arguments)
      throws ReflectiveOperationException {
    for (Method method : loader.loadClass("org.plait." + type).getMethods()) {
      if (method.getName().equals(name) && accepts(method.getParameterTypes(), arguments)) {
        return method.invoke(null, arguments);
      }
    }
    throw new NoSuchMethodException(type + "." + name);
  }

  private static boolean accepts(Class<?>[] parameters, Object[] arguments) {
    if (parameters.length != arguments.length) {
      return false;
    }
    for (int i = 0; i < parameters.length; i++) {
      boolean primitive = parameters[i] == long.class || parameters[i] == int.class;
      if (!primitive && !parameters[i].isInstance(arguments[i])) {
        return false;
      }
    }
    return true;
  }

  private static URLClassLoader withoutNatives() throws IOException {
    URL[] classes = {location(Backend.class), location(Pointer.class)};
    URLClassLoader loader = new URLClassLoader(classes, ClassLoader.getPlatformClassLoader());
    assertEquals(null, loader.getResource("org/plait/internal/linux-x86_64/libjniplait.so"));
    return loader;
  }

  private static URL location(Class<?> type) {
    return type.getProtectionDomain().getCodeSource().getLocation();
  }
}
