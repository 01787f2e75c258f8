/** The suite cannot listen on a port: exit code 2. */
export class PortError extends Error {
  override readonly name = 'PortError'
}
