import type { AgentError } from '@countersign/agent'

interface Facts {
  readonly status?: unknown
  readonly error?: unknown
  readonly reason?: unknown
  readonly skew?: unknown
}

/** Returns the facts of a refusal, to follow the sentence of the agent library: status, error code, reason, clock skew. */
export function describeRefusalFacts({ code, cause }: AgentError): string {
  if (code !== 'denied') return ''
  const { status, error, reason, skew } = Object(cause ?? {}) as Facts
  const facts = [typeof status === 'number' ? status : '', typeof error === 'string' ? error : ''].join(' ').trim()
  const clock =
    typeof skew === 'number'
      ? `: the clock of this machine is ${Math.abs(skew)} s ${skew > 0 ? 'ahead of' : 'behind'} its own, set the one that is wrong`
      : ''
  const because = typeof reason === 'string' ? ` (${reason})` : ''
  return `${facts === '' ? '' : ` with ${facts}`}${because}${clock}`
}
