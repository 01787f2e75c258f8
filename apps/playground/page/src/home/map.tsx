import type { JSX } from 'preact'
import type { Party, PartyId, ShownMessage } from '../../../src/explorer/contract.js'
import { useMedia } from '../media.js'
import { type Layout, narrow, paths, wide } from './places.js'

interface MapProps {
  readonly parties: readonly Party[]
  /** The message that is shown now. */
  readonly shown: ShownMessage | undefined
  readonly opened: PartyId | undefined
  readonly onOpen: (party: PartyId) => void
}

const [boxWidth, boxHeight] = [168, 58]

/** The first figure: who takes part, and what flows between them at this moment. */
export function ParticipantsMap({ parties, shown, opened, onOpen }: MapProps): JSX.Element {
  const layout = useMedia('(max-width: 48rem)') ? narrow : wide
  const placed = parties.filter(({ id }) => layout.places[id] !== undefined)
  return (
    <svg class="map" viewBox={`0 0 ${layout.width} ${layout.height}`}>
      <title>The participants, each of which opens</title>
      {layout.domains.map(({ frame: [x, y, width, height], name }) => (
        <g key={name}>
          <rect class="domain" {...{ x, y, width, height }} rx="14" />
          <text class="domain-name" x={x + 14} y={y + height - 8}>
            {name}
          </text>
        </g>
      ))}
      {paths.map(([a, b]) => (
        <Line key={`${a} ${b}`} from={a} to={b} layout={layout} />
      ))}
      {shown === undefined ? null : <Flow key={shown.id} message={shown} parties={parties} layout={layout} />}
      {placed.map(party => (
        <PartyBox
          key={party.id}
          party={party}
          at={layout.places[party.id] ?? [0, 0]}
          isLit={shown?.from === party.id || shown?.to === party.id}
          isOpen={opened === party.id}
          onOpen={() => onOpen(party.id)}
        />
      ))}
    </svg>
  )
}

interface LineProps {
  readonly from: PartyId
  readonly to: PartyId
  readonly layout: Layout
}

function Line({ from, to, layout: { places } }: LineProps): JSX.Element | null {
  const [a, b] = [places[from], places[to]]
  if (a === undefined || b === undefined) return null
  return <line class="path" x1={a[0]} y1={a[1]} x2={b[0]} y2={b[1]} />
}

interface FlowProps {
  readonly message: ShownMessage
  readonly parties: readonly Party[]
  readonly layout: Layout
}

function Flow({ message, parties, layout: { places } }: FlowProps): JSX.Element | null {
  const { from, to, signer } = message
  const [a, b] = [places[from], places[to]]
  if (a === undefined || b === undefined) return null
  const role = parties.find(({ id }) => id === from)?.role.replace(' ', '-') ?? 'other'
  const route = `M ${a[0]} ${a[1]} L ${b[0]} ${b[1]}`
  return (
    <g class={`flow role-${role}${signer === undefined ? ' unsigned' : ''}`}>
      <path d={route} />
      <circle r="6" style={{ offsetPath: `path('${route}')` }} />
    </g>
  )
}

interface PartyBoxProps {
  readonly party: Party
  readonly at: readonly [x: number, y: number]
  readonly isLit: boolean
  readonly isOpen: boolean
  readonly onOpen: () => void
}

function PartyBox({ party: { name, role, url }, at: [x, y], isLit, isOpen, onOpen }: PartyBoxProps): JSX.Element {
  const place = url === undefined ? (role === 'user' ? 'a person' : 'delegate with a key') : new URL(url).host
  const onKeyDown = (event: KeyboardEvent): void => {
    if (event.key !== 'Enter' && event.key !== ' ') return
    event.preventDefault()
    onOpen()
  }
  return (
    // biome-ignore lint/a11y/useSemanticElements: a button cannot stand in an SVG.
    <g
      class={`party role-${role.replace(' ', '-')}${isLit ? ' lit' : ''}${isOpen ? ' opened' : ''}`}
      role="button"
      tabindex={0}
      aria-pressed={isOpen}
      transform={`translate(${x - boxWidth / 2} ${y - boxHeight / 2})`}
      onClick={onOpen}
      onKeyDown={onKeyDown}
    >
      <rect width={boxWidth} height={boxHeight} rx="9" />
      <text x={boxWidth / 2} y="26" class={`party-name${name.length > 15 ? ' long' : ''}`}>
        {name}
      </text>
      <text x={boxWidth / 2} y="44" class="party-role">
        {place}
      </text>
    </g>
  )
}
