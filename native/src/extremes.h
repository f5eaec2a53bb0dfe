// Running maxima and minima that keep a NaN: it compares false with everything.
#ifndef PLAIT_SRC_EXTREMES_H_
#define PLAIT_SRC_EXTREMES_H_

#include "host_device.h"

namespace plait {

PLAIT_HD inline void Maximise(double value, double* max) {
  if (value > *max || value != value) *max = value;
}

PLAIT_HD inline void Minimise(double value, double* min) {
  if (value < *min || value != value) *min = value;
}

}  // namespace plait

#endif  // PLAIT_SRC_EXTREMES_H_
