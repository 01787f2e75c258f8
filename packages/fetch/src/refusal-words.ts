import type { AgentError } from '@countersign/agent'

interface Facts {
  readonly status?: unknown
  readonly error?: unknown
  readonly skew?: unknown
}

/** The facts of a refusal that help, behind the sentence of the agent library: a status and an error code, and clocks that differ. */
export function describeRefusalFacts({ code, cause }: AgentError): string {
  if (code !== 'denied') return ''
  const { status, error, skew } = Object(cause ?? {}) as Facts
  const facts = [typeof status === 'number' ? status : '', typeof error === 'string' ? error : ''].join(' ').trim()
  const clock =
    typeof skew === 'number'
      ? `: the clock of this machine is ${Math.abs(skew)} s ${skew > 0 ? 'ahead of' : 'behind'} its own, set the wrong one`
      : ''
  return `${facts === '' ? '' : ` with ${facts}`}${clock}`
}
