/** @jsxImportSource hono/jsx */
import type { JSX } from 'hono/jsx/jsx-runtime'
import type { ShownCall } from './approval-view.js'
import { claimedText } from './claimed-text.js'
import { shownHost } from './host-name.js'
import { messagesOf } from './language.js'
import type { Look } from './look.js'
import { fill } from './sentence.js'

const longestWords = 200
const longestName = 128

interface Shown {
  readonly call: ShownCall
  /** The resource whose words these are. */
  readonly resource: string
  readonly look: Look
}

/** What an operation does, in the resource's words, and its name. */
export function OperationWords({ call, resource, look }: Shown): JSX.Element {
  const words = claimedText(call.words, longestWords)
  const name = <code>{claimedText(call.operation, longestName)}</code>
  if (words !== '')
    return (
      <>
        <bdi>{words}</bdi> <small>{name}</small>
      </>
    )
  return (
    <>
      {name} <small class="unknown">{fill(messagesOf(look).scopes.noWords, { host: shownHost(resource).text })}</small>
    </>
  )
}

/**
 * What the call would do: the resource's words, and each value of the call in a frame of its own, whole, inert and isolated, so that
 * none can pass for the words around it (APR-15).
 */
export function Display({ call: { display }, look }: Shown): JSX.Element | null {
  if (display === undefined) return null
  return (
    <p class="display">
      {display.map((text, index) => (index % 2 === 0 ? <bdi>{text}</bdi> : <Value text={text} look={look} />))}
    </p>
  )
}

function Value({ text, look }: { readonly text: string; readonly look: Look }): JSX.Element {
  const { approval } = messagesOf(look)
  return (
    <>
      <span class="aside">{approval.valueBegins}</span>
      {text === '' ? (
        <span class="value none">{approval.empty}</span>
      ) : (
        <span class="value">
          <bdi>{text}</bdi>
        </span>
      )}
      <span class="aside">{approval.valueEnds}</span>
    </>
  )
}
