import type { JSX } from 'preact'
import { useState } from 'preact/hooks'
import type { AnalyzedComponent, AnalyzedSignature } from '../../../src/analysis/analysis.js'
import type { Sent } from '../../../src/explorer/contract.js'
import { CopyButton } from './copy-button.js'
import { HeaderLines } from './sent-view.js'

interface SignatureViewProps {
  readonly signature: AnalyzedSignature
  /** The request line. */
  readonly line: string
  readonly headers: Sent['headers']
}

/** The components of a signature beside its base and the request; the one that is pointed at is marked in all three. */
export function SignatureView({ signature, line, headers }: SignatureViewProps): JSX.Element {
  const { components, base, parameters, key } = signature
  const [marked, mark] = useState<number | undefined>(undefined)
  const colors = new Map(
    components.flatMap(({ header, color }) => (header === undefined ? [] : [[header, color] as const])),
  )
  const fromLine = components.filter(({ header, name }) => header === undefined && name.startsWith('@'))
  return (
    <div class="signature">
      <p>{key}</p>
      <div class="beside">
        <section>
          <h3>It covers, in this order</h3>
          <ol class="components">
            {components.map(component => (
              <ComponentRow
                key={component.color}
                component={component}
                isMarked={component.color === marked}
                mark={mark}
              />
            ))}
          </ol>
        </section>
        <Base lines={base} marked={marked} mark={mark} />
      </div>
      <section>
        <h3>Where it comes from: the request</h3>
        <div class="wire">
          <p class="start" data-marked={fromLine.some(({ color }) => color === marked)}>
            {fromLine.map(({ color }) => (
              <span key={color} class="badge" data-color={color % 8}>
                {color + 1}
              </span>
            ))}
            {line}
          </p>
          <HeaderLines headers={headers} colors={colors} marked={marked} />
        </div>
      </section>
      <Parameters parameters={parameters} />
    </div>
  )
}

interface BaseProps {
  readonly lines: AnalyzedSignature['base']
  readonly marked: number | undefined
  mark(color: number | undefined): void
}

function Base({ lines, marked, mark }: BaseProps): JSX.Element {
  return (
    <section>
      <header>
        <h3>The signature base: these bytes are signed</h3>
        <CopyButton what="the signature base" text={lines.map(({ text }) => text).join('\n')} />
      </header>
      {lines.length === 0 ? <p class="wrong">There is no base: a covered component is not in the request.</p> : null}
      <ol class="base">
        {lines.map(({ text, color }, index) => (
          <li
            key={index}
            data-color={color === undefined ? undefined : color % 8}
            data-marked={color !== undefined && color === marked}
            onMouseEnter={() => mark(color)}
            onMouseLeave={() => mark(undefined)}
          >
            <span class="badge">{color === undefined ? '·' : color + 1}</span>
            <span class="text">{text}</span>
          </li>
        ))}
      </ol>
    </section>
  )
}

function Parameters({ parameters }: Pick<AnalyzedSignature, 'parameters'>): JSX.Element {
  return (
    <section>
      <h3>Its parameters</h3>
      <dl class="facts">
        {parameters.map(({ name, value, words }) => (
          <div key={name}>
            <dt>
              <code>
                {name}={value}
              </code>
            </dt>
            <dd>{words}</dd>
          </div>
        ))}
      </dl>
    </section>
  )
}

interface ComponentRowProps {
  readonly component: AnalyzedComponent
  readonly isMarked: boolean
  mark(color: number | undefined): void
}

function ComponentRow({ component, isMarked, mark }: ComponentRowProps): JSX.Element {
  const { name, value, from, color } = component
  return (
    <li data-color={color % 8} data-marked={isMarked}>
      <button
        type="button"
        aria-pressed={isMarked}
        onMouseEnter={() => mark(color)}
        onMouseLeave={() => mark(undefined)}
        onFocus={() => mark(color)}
        onBlur={() => mark(undefined)}
        onClick={() => mark(color)}
      >
        <span class="badge">{color + 1}</span>
        <code>{name}</code>
        <span class="quiet">{value === undefined ? 'not in the request' : from}</span>
      </button>
    </li>
  )
}
