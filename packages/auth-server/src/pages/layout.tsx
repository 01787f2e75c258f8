/** @jsxImportSource hono/jsx */
import { raw } from 'hono/html'
import type { Child } from 'hono/jsx'
import type { JSX } from 'hono/jsx/jsx-runtime'
import { shownHost } from './host-name.js'
import { stylesheet } from './stylesheet.js'

/** What every page is made of. */
export interface LayoutProps {
  /** What the tab says. */
  readonly title: string
  readonly children?: Child
}

/** A whole document around the content of a page. */
export function document({ title, children }: LayoutProps): string {
  return String(
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <meta name="color-scheme" content="light dark" />
        <meta name="robots" content="noindex" />
        {/* None: a browser need not ask for one. */}
        <link rel="icon" href="data:," />
        <title>{title}</title>
        <style>{raw(stylesheet)}</style>
      </head>
      <body>
        <main>{children}</main>
      </body>
    </html>,
  )
}

/** A host as a reader can trust it, with its wire form where that is another. */
export function Host({ id, class: name }: { readonly id: string; readonly class?: string }): JSX.Element {
  const { text, ascii } = shownHost(id)
  return (
    <span class={name === undefined ? 'at' : `at ${name}`}>
      <bdi>
        {text.split('.').map((label, index) => (
          <>
            {/* Broken between labels rather than within one. */}
            {index === 0 ? '' : <wbr />}
            {index === 0 ? label : `.${label}`}
          </>
        ))}
      </bdi>
      {ascii === undefined ? null : <span class="ascii">{ascii}</span>}
    </span>
  )
}

/** Fields that a form sends along. */
export function HiddenFields({ fields }: { readonly fields: Readonly<Record<string, string>> }): JSX.Element {
  return (
    <>
      {Object.entries(fields).map(([name, value]) => (
        <input type="hidden" name={name} value={value} />
      ))}
    </>
  )
}
