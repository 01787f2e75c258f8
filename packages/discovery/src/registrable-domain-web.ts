/**
 * The last two labels of a host, since there is no Public Suffix List outside Node. Too wide under suffixes such as `co.uk`, but
 * never too narrow: no domain gets a second share. Null for IP addresses and single labels.
 */
export function registrableDomain(host: string): string | null {
  const labels = host.split('.', 128)
  if (labels.length < 2 || host.startsWith('[') || /^\d+$/.test(labels.at(-1) ?? '')) return null
  return labels.slice(-2).join('.')
}
