/** A mistake in the configuration or the flags: printed without a stack, exit code 2. */
export class ConfigurationError extends Error {
  override readonly name = 'ConfigurationError'
}
