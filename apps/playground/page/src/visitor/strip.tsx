import type { JSX } from 'preact'
import type { Beat, Heartbeat, Mark } from '../../../src/visitor/contract.js'
import { clock } from './api.js'

type Entry = { readonly beat: Beat } | { readonly mark: Mark }

const timeOf = (entry: Entry): number => ('beat' in entry ? entry.beat.at : entry.mark.at)

/** The calls of the heartbeat, and what the operator did between them. */
export function Strip({ heartbeat: { beats, marks } }: { readonly heartbeat: Heartbeat }): JSX.Element {
  const first = beats[0]?.at ?? 0
  const shown: Entry[] = [
    ...beats.map(beat => ({ beat })),
    ...marks.filter(({ at }) => at >= first).map(mark => ({ mark })),
  ].sort((a, b) => timeOf(a) - timeOf(b))
  if (shown.length === 0)
    return <p class="quiet">Each of its calls will be shown here, with the status that it gets.</p>
  return (
    <ol class="visitor-strip" aria-label="The latest calls, oldest first">
      {shown.map(entry =>
        'mark' in entry ? (
          <li key={`mark ${entry.mark.at}`} class="visitor-mark">
            {entry.mark.text}
          </li>
        ) : (
          <li
            key={entry.beat.id}
            class={`visitor-beat ${entry.beat.status === 200 ? 'visitor-passed' : 'visitor-refused'}`}
            title={`${clock(entry.beat.at)} ${entry.beat.reason ?? 'answered'}`}
          >
            {entry.beat.status === 0 ? '–' : entry.beat.status}
          </li>
        ),
      )}
    </ol>
  )
}

/** In one sentence, how the calls go now. */
export function pulseText(heartbeat: Heartbeat, now: number): string {
  const { state, beats, tokenUntil } = heartbeat
  const [last] = beats.slice(-1)
  if (state === 'starts') return 'The delegate enrols …'
  if (state === 'waits') return 'It waits: a story is being played.'
  if (last === undefined) return 'It has not called yet.'
  if (last.status === 200) {
    const ends =
      tokenUntil === undefined
        ? ''
        : ` Its agent token ends in ${Math.max(0, Math.round(tokenUntil - now))} s unless it is renewed.`
    return state === 'beats' ? `Its calls are answered.${ends}` : 'It has stopped; its last call was answered.'
  }
  return `Its calls are refused: ${last.reason ?? 'no reason was given'}.`
}
