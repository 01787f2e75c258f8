import type { JSX } from 'preact'
import { useEffect, useRef, useState } from 'preact/hooks'
import type { Party, PartyId, ShownMessage, StoryRun } from '../../../src/explorer/contract.js'
import { lanesOf, type Row, requestLine, rowsOf, type Step } from '../../../src/sequence/rows.js'
import { laneNames } from './lane-names.js'

interface SequenceProps {
  readonly run: StoryRun
  readonly parties: readonly Party[]
  /** The number of the opened message. */
  readonly opened: number | undefined
  readonly onOpen: (step: number) => void
}

/** The messages of a run as a swim-lane diagram: a lane for each party, a row for each message, drawn as they flow. */
export function Sequence({ run, parties, opened, onOpen }: SequenceProps): JSX.Element {
  const { messages, state } = run
  const lanes = lanesOf(
    messages,
    parties.map(({ id }) => id),
  )
  const roles = new Map(parties.map(({ id, role }) => [id, role.replace(' ', '-')]))
  const box = useRef<HTMLDivElement>(null)
  const followed = useRef(true)
  useEffect(() => {
    const { current } = box
    // Follows what is drawn, unless the reader has gone back to read.
    if (current !== null && state === 'playing' && followed.current) current.scrollTop = current.scrollHeight
  }, [messages.length, state])
  useEffect(() => {
    box.current?.querySelector(`[data-step="${opened}"]`)?.scrollIntoView({ block: 'nearest' })
  }, [opened])
  if (messages.length === 0)
    return (
      <div class="sequence empty">
        <p class="quiet">
          {state === 'playing'
            ? 'The first message is on its way…'
            : 'Press play. Each message is drawn here as it flows.'}
        </p>
      </div>
    )
  return (
    <div
      class="sequence"
      ref={box}
      style={{ '--lanes': lanes.length }}
      onScroll={({ currentTarget: { scrollTop, scrollHeight, clientHeight } }) => {
        followed.current = scrollTop + clientHeight > scrollHeight - 60
      }}
    >
      <div class="lane-heads" aria-hidden="true">
        <span />
        <div class="lanes">
          {lanes.map(lane => (
            <span key={lane} class={`lane-head role-${roles.get(lane) ?? 'other'}`}>
              {laneNames[lane]}
            </span>
          ))}
        </div>
      </div>
      <ol class="rows">
        {rowsOf(messages).map(row => (
          <SequenceRow
            key={row.kind === 'step' ? row.step.message.id : `reads ${row.steps[0]?.message.id}`}
            {...{ row, lanes, roles, opened, onOpen }}
          />
        ))}
      </ol>
    </div>
  )
}

interface RowProps {
  readonly row: Row
  readonly lanes: readonly PartyId[]
  readonly roles: ReadonlyMap<PartyId, string>
  readonly opened: number | undefined
  readonly onOpen: (step: number) => void
}

function SequenceRow({ row, lanes, roles, opened, onOpen }: RowProps): JSX.Element {
  const [isUnfolded, setUnfolded] = useState(false)
  if (row.kind === 'step') return <StepRow step={row.step} {...{ lanes, roles, opened, onOpen }} />
  const isOpen = isUnfolded || row.steps.some(({ number }) => number === opened)
  return (
    <li class="folded">
      <button type="button" class="fold" aria-expanded={isOpen} onClick={() => setUnfolded(!isOpen)}>
        <span aria-hidden="true">{isOpen ? '▾' : '▸'}</span> {row.steps.length} reads of metadata and keys
      </button>
      {isOpen ? (
        <ol class="rows">
          {row.steps.map(step => (
            <StepRow key={step.message.id} {...{ step, lanes, roles, opened, onOpen }} />
          ))}
        </ol>
      ) : null}
    </li>
  )
}

interface StepRowProps extends Omit<RowProps, 'row'> {
  readonly step: Step
}

function StepRow({ step: { number, message }, lanes, roles, opened, onOpen }: StepRowProps): JSX.Element {
  const { from, to, kind, sentence, signer, response } = message
  const isOpen = number === opened
  return (
    <li>
      <button
        type="button"
        class={`step kind-${kind}${isOpen ? ' opened' : ''}`}
        aria-expanded={isOpen}
        data-step={number}
        onClick={() => onOpen(number)}
      >
        <span class="sentence">
          <span class="number">{number}</span> {sentence}
        </span>
        <span class="lanes" aria-hidden="true">
          <Arrow
            {...{ lanes, from, to }}
            class={`role-${roles.get(from) ?? 'other'}${signer === undefined ? ' unsigned' : ''}`}
          >
            {requestLine(message)}
          </Arrow>
          <span class={`status s${String(response.status)[0]}`} style={place(lanes.indexOf(to), lanes.length)}>
            {response.status}
          </span>
        </span>
        <span class="sr-only">{shape(message)}</span>
      </button>
    </li>
  )
}

/** What a picture of the message would show. */
function shape({ signer, response }: ShownMessage): string {
  return `${signer === undefined ? 'Unsigned' : `Signed: ${signer}`}. Status ${response.status}.`
}

interface ArrowProps {
  readonly lanes: readonly PartyId[]
  readonly from: PartyId
  readonly to: PartyId
  readonly class: string
  readonly children: string
}

function Arrow({ lanes, from, to, class: className, children }: ArrowProps): JSX.Element {
  const [a, b] = [lanes.indexOf(from), lanes.indexOf(to)]
  const left = ((Math.min(a, b) + 0.5) / lanes.length) * 100
  const width = (Math.abs(a - b) / lanes.length) * 100
  return (
    <span
      class={`arrow ${a <= b ? 'rightward' : 'leftward'} ${className}`}
      style={{ left: `${left}%`, width: `${width}%` }}
    >
      <span class="asked">{children}</span>
    </span>
  )
}

function place(lane: number, lanes: number): { readonly left: string } {
  return { left: `${((lane + 0.5) / lanes) * 100}%` }
}
