/**
 * Tells whether any program of the user's machine could receive the answer in the agent's place.
 * An agent that itself lives on a loopback host, in development, is not its own impostor.
 */
export function isLoopbackRedirect(uri: string, agent: string): boolean {
  const { origin, hostname } = new URL(uri)
  return origin !== agent && /^(?:localhost|\[::1\]|127(?:\.\d+){3})$/.test(hostname)
}
