import type { AgentError } from '@countersign/agent'

interface Facts {
  readonly status?: unknown
  readonly error?: unknown
  readonly skew?: unknown
}

/** Returns the facts of a refusal, to follow the sentence of the agent library: status, error code, clock skew. */
export function describeRefusalFacts({ code, cause }: AgentError): string {
  if (code !== 'denied') return ''
  const { status, error, skew } = Object(cause ?? {}) as Facts
  const facts = [typeof status === 'number' ? status : '', typeof error === 'string' ? error : ''].join(' ').trim()
  const clock =
    typeof skew === 'number'
      ? `: the clock of this machine is ${Math.abs(skew)} s ${skew > 0 ? 'ahead of' : 'behind'} its own, set the one that is wrong`
      : ''
  return `${facts === '' ? '' : ` with ${facts}`}${clock}`
}
