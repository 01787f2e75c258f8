import type { JSX } from 'preact'
import { changedLines, type Line, linesOf, shortened } from '../../../src/attacks/changed-lines.js'
import type { AttackResult, ListedAttack, Refusal, WireExchange } from '../../../src/attacks/contract.js'

const docs = 'https://github.com/countersign-dev/countersign/blob/main/docs'

/** What came of an attack: why it was refused, and the attacked request beside its twin. */
export function Twins({ result }: { readonly result: AttackResult }): JSX.Element {
  const { twin, unchanged, attacked, refusal, note } = result
  return (
    <div class="twins">
      {refusal === undefined ? null : <Why refusal={refusal} result={result} />}
      {note === undefined ? null : <p class="quiet">{note}</p>}
      {twin === undefined || attacked === undefined ? null : (
        <div class="pair">
          <Side
            title="Unmodified twin"
            exchange={twin}
            lines={linesOf(twin.request)}
            ended={twin.response.status < 400 ? 'passes' : 'refused'}
          />
          <Side
            title="Attack"
            exchange={attacked}
            lines={unchanged === undefined ? linesOf(attacked.request) : changedLines(unchanged, attacked.request)}
            ended={attacked.response.status < 400 ? 'passes' : 'refused'}
            changes={unchanged !== undefined}
          />
        </div>
      )}
    </div>
  )
}

interface WhyProps {
  readonly refusal: Refusal
  readonly result: AttackResult
}

/** The check that refused, its reason and its clause. */
function Why({ refusal, result }: WhyProps): JSX.Element {
  const { by, check, code, clause, description } = refusal
  return (
    <dl class="why">
      <dt>Refused by</dt>
      <dd>{by}</dd>
      <dt>Check</dt>
      <dd>
        {check}
        {description === '' ? null : <span class="quiet"> It says: “{description}”</span>}
      </dd>
      <dt>Reason</dt>
      <dd>
        <Reason refusal={refusal} />
        {code === '' ? null : <span class="quiet"> with error {code}</span>}
        {result.verdict === 'refused for another reason' ? (
          <span class="wrong"> This is not what the attack is about.</span>
        ) : null}
      </dd>
      <dt>Clause</dt>
      <dd>
        <Clause attack={{ clause: result.rule, heading: result.heading }} />
        {clause === '' || clause === result.rule ? null : (
          <span class="quiet">
            , kept by <code>{clause}</code>
          </span>
        )}
      </dd>
    </dl>
  )
}

/** The rule that an attack tries to break, with a link to where it stands. */
export function Clause({ attack }: { readonly attack: Pick<ListedAttack, 'clause' | 'heading'> }): JSX.Element {
  return (
    <a href={`${docs}/protocol.md#${attack.heading}`}>
      <code>{attack.clause}</code>
    </a>
  )
}

/** The name of a reason, with a link to what it means. */
export function Reason({ refusal: { reason, by } }: { readonly refusal: Refusal }): JSX.Element {
  if (reason === '') return <span class="quiet">none given</span>
  if (by === 'Agent') return <code>{reason}</code>
  return (
    <a href={`${docs}/reasons.md#${reason}`}>
      <code>{reason}</code>
    </a>
  )
}

interface SideProps {
  readonly title: string
  readonly exchange: WireExchange
  readonly lines: readonly Line[]
  readonly ended: 'passes' | 'refused'
  /** Whether the lines tell what was changed. */
  readonly changes?: boolean
}

function Side({ title, exchange: { request, response }, lines, ended, changes = false }: SideProps): JSX.Element {
  const isChanged = lines.some(({ state }) => state !== 'same')
  return (
    <section class="side">
      <h4>
        {title}{' '}
        <span class={ended === 'passes' ? 'ended passes' : 'ended refused'}>{`${response.status} ${ended}`}</span>
      </h4>
      <p class="to">
        to <span class="mono">{new URL(request.to).host}</span>
        {changes ? ` · ${isChanged ? 'the change is marked' : 'not one byte is changed'}` : ''}
      </p>
      <pre class="sent">
        {lines.map((line, at) => (
          <ShownLine key={at} line={line} />
        ))}
      </pre>
      <pre class="got">
        {`${response.status}\n`}
        {response.body.startsWith('<') ? 'a page in HTML' : cut(response.body)}
      </pre>
    </section>
  )
}

const cut = (text: string): string => (text.length > 600 ? `${text.slice(0, 600)} … ${text.length - 600} more` : text)

const words = { same: undefined, changed: 'changed', added: 'added', removed: 'removed' } as const

function ShownLine({ line: { name, pieces, state } }: { readonly line: Line }): JSX.Element {
  const word = words[state]
  return (
    <span class={`line ${state}`}>
      {word === undefined ? null : <span class="word">{word}</span>}
      {name === undefined ? null : <span class="name">{`${name}: `}</span>}
      {pieces.map((piece, at) => (piece.mark ? <mark key={at}>{piece.text}</mark> : shortened(piece)))}
      {'\n'}
    </span>
  )
}
