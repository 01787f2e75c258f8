/** Whether a resource refuses, or only tells what it would refuse. */
export type Mode = 'enforce' | 'observe'

/** What marks the events of a resource that only observes. */
export function markOf(mode: Mode): { readonly observed?: true } {
  return mode === 'observe' ? { observed: true } : {}
}
