/**
 * Outside Node there is no Public Suffix List: the last two labels of a host. Too wide under suffixes such as `co.uk`, never
 * too narrow: nobody gets a second share. Null for IP addresses and single labels.
 */
export function registrableDomain(host: string): string | null {
  const labels = host.split('.', 128)
  if (labels.length < 2 || host.startsWith('[') || /^\d+$/.test(labels.at(-1) ?? '')) return null
  return labels.slice(-2).join('.')
}
