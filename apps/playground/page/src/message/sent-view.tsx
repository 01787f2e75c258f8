import type { JSX } from 'preact'
import type { Sent } from '../../../src/explorer/contract.js'
import { CopyButton } from './copy-button.js'

interface SentViewProps {
  readonly title: string
  /** The request line, or the status line. */
  readonly line: string
  readonly sent: Sent
  readonly what: string
}

/** A half of a message, as sent. */
export function SentView({ title, line, sent, what }: SentViewProps): JSX.Element {
  const { headers, body } = sent
  const text = [line, ...headers.map(header => header.join(': ')), '', body].join('\r\n')
  return (
    <section class="sent">
      <header>
        <h3>{title}</h3>
        <CopyButton what={what} text={text} />
      </header>
      <div class="wire">
        <p class="start">{line}</p>
        <HeaderLines headers={headers} />
        {body === '' ? null : <pre class="body">{body}</pre>}
      </div>
    </section>
  )
}

interface HeaderLinesProps {
  readonly headers: Sent['headers']
  /** The colour of a header that a component is of, by its name in lower case. */
  readonly colors?: ReadonlyMap<string, number>
  /** The component that is pointed at. */
  readonly marked?: number | undefined
}

/** Header lines in order. */
export function HeaderLines({ headers, colors, marked }: HeaderLinesProps): JSX.Element {
  return (
    <ul class="headers">
      {headers.map(([name, value], index) => {
        const color = colors?.get(name.toLowerCase())
        return (
          <li
            key={index}
            data-color={color === undefined ? undefined : color % 8}
            data-marked={color !== undefined && color === marked}
          >
            {color === undefined ? null : <span class="badge">{color + 1}</span>}
            <span class="name">{name}:</span> {value}
          </li>
        )
      })}
    </ul>
  )
}
