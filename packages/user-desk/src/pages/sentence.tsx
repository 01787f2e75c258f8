/** @jsxImportSource hono/jsx */
import type { Child } from 'hono/jsx'
import type { JSX } from 'hono/jsx/jsx-runtime'

const place = /\{(\w+)\}/

/** A text of the messages with each `{name}` replaced by the part of that name. */
export function fill(text: string, parts: Readonly<Record<string, string | number>>): string {
  return text
    .split(place)
    .map((piece, index) => (index % 2 === 0 ? piece : String(parts[piece] ?? '')))
    .join('')
}

/** The same for parts that are elements. */
export function Sentence(o: { readonly text: string; readonly parts: Readonly<Record<string, Child>> }): JSX.Element {
  return <>{o.text.split(place).map((piece, index) => (index % 2 === 0 ? piece : o.parts[piece]))}</>
}
