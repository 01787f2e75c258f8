import { Resolver } from 'node:dns/promises'

/**
 * All IPv4 and IPv6 addresses of a DNS name, from the configured name servers directly.
 * `dns.lookup` is not used: it reads the hosts file and search domains, and it has few threads, so that a stranger's slow name
 * server would delay every other lookup of the process.
 * @param options.servers name servers to ask; default: the system's
 * @param options.timeout seconds to wait for an answer at the first of two tries; default 1
 * @param options.signal ends the wait
 * @returns an empty list when the name does not exist
 * @throws when no server answered
 */
export async function resolveAddresses(
  host: string,
  options: { readonly servers?: readonly string[]; readonly timeout?: number; readonly signal?: AbortSignal } = {},
): Promise<string[]> {
  const { servers, timeout = 1, signal } = options
  const resolver = new Resolver({ timeout: timeout * 1000, tries: 2 })
  if (servers !== undefined) resolver.setServers(servers)
  const cancel = () => resolver.cancel()
  signal?.addEventListener('abort', cancel, { once: true })
  const answers = await Promise.allSettled([resolver.resolve4(host), resolver.resolve6(host)])
  signal?.removeEventListener('abort', cancel)
  const addresses = answers.flatMap(answer => (answer.status === 'fulfilled' ? answer.value : []))
  if (addresses.length > 0) return addresses
  for (const answer of answers) if (answer.status === 'rejected' && !isAbsence(answer.reason)) throw answer.reason
  return []
}

function isAbsence(error: unknown): boolean {
  return error instanceof Error && 'code' in error && (error.code === 'ENOTFOUND' || error.code === 'ENODATA')
}
