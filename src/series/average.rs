//! Exponential smoothing.

/// An exponential moving average without the bias of its start: the first value is its own average.
///
/// With `m ← β·m + (1 − β)·x` and `n ← β·n + (1 − β)`, both from 0, it is `m / n`. Values that are not finite are
/// passed over, one of them does not blot out all that follow.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Average {
    beta: f64,
    sum: f64,
    weight: f64,
}

impl Average {
    /// An average of nothing yet; `beta`, 0 up to but not 1, is the share that the past keeps.
    pub fn new(beta: f64) -> Self {
        Average { beta, sum: 0.0, weight: 0.0 }
    }

    /// Takes in a value and returns the average; not a number while no value was finite.
    pub fn push(&mut self, value: f64) -> f64 {
        if value.is_finite() {
            self.sum = self.beta * self.sum + (1.0 - self.beta) * value;
            self.weight = self.beta * self.weight + (1.0 - self.beta);
        }
        self.value()
    }

    /// The average so far; not a number where there is none.
    pub fn value(&self) -> f64 {
        self.sum / self.weight
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_average_of_equal_values_is_that_value_from_the_first_on() {
        let mut average = Average::new(0.9);
        assert!(average.value().is_nan());
        for _ in 0..50 {
            assert!((average.push(2.5) - 2.5).abs() < 1e-12);
        }
    }

    #[test]
    fn a_value_that_is_not_finite_is_passed_over() {
        let mut average = Average::new(0.5);
        average.push(1.0);
        assert_eq!(average.push(f64::NAN), 1.0);
        assert_eq!(average.push(f64::INFINITY), 1.0);
        assert!((average.push(4.0) - 3.0).abs() < 1e-12);
    }

    #[test]
    fn no_smoothing_is_the_value_itself() {
        let mut average = Average::new(0.0);
        average.push(1.0);
        assert_eq!(average.push(7.0), 7.0);
    }
}
