/** Answers where link or server give none. */

export {
  type CircuitBreaker,
  type CircuitBreakerOptions,
  type CircuitState,
  createCircuitBreaker,
} from './circuit-breaker.js';
export {
  createFallbackClient,
  type Fallback,
  type FallbackClient,
  type FallbackClientOptions,
  type FallbackRequestOptions,
  type FallbackResult,
  SplitUnavailableError,
} from './fallback-client.js';
