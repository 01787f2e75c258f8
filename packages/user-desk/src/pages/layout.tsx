/** @jsxImportSource hono/jsx */
import type { Reason } from '@countersign/protocol'
import { raw } from 'hono/html'
import type { Child } from 'hono/jsx'
import type { JSX } from 'hono/jsx/jsx-runtime'
import { shownHost } from './host-name.js'
import { languageNames, languages, messagesOf } from './language.js'
import { type Look, languageLink } from './look.js'
import { passkeyScript } from './passkey-script.js'

/** What every page is made of. */
export interface LayoutProps {
  readonly look: Look
  /** What the tab says. */
  readonly title: string
  /** The reason of the refusal that the page shows: in `data-reason`, for operators and tests. */
  readonly reason?: Reason | undefined
  /** `passkey` for a page with a form that a passkey fills in. */
  readonly script?: 'passkey' | undefined
  /** Where the page can be had again, in another language: a path of this server. Absent where it cannot. */
  readonly here?: string | undefined
  readonly children?: Child
}

/** A whole document around the content of a page. */
export function document({ look, title, reason, here, script, children }: LayoutProps): string {
  return String(
    <html lang={look.language}>
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <meta name="color-scheme" content="light dark" />
        <meta name="robots" content="noindex" />
        {/* None: a browser need not ask for one. */}
        <link rel="icon" href="data:," />
        <title>{look.brand.name === undefined ? title : `${title} · ${look.brand.name}`}</title>
        <style>{raw(look.brand.stylesheet)}</style>
      </head>
      <body>
        <main data-reason={reason}>
          <Operator look={look} />
          {children}
          <OtherLanguages look={look} here={here} />
        </main>
        {script === undefined ? null : <script>{raw(passkeyScript)}</script>}
      </body>
    </html>,
  )
}

/** Whose page it is. */
function Operator({ look: { brand, host } }: { readonly look: Look }): JSX.Element | null {
  const { name, logo } = brand
  if (name === undefined && logo === undefined) return null
  return (
    <header class="brand">
      {logo === undefined ? null : <img src={logo} alt={name === undefined ? host : ''} />}
      {name === undefined ? null : <bdi>{name}</bdi>}
    </header>
  )
}

/** Links to the same page in the other languages. */
function OtherLanguages({
  look,
  here,
}: {
  readonly look: Look
  readonly here: string | undefined
}): JSX.Element | null {
  if (here === undefined) return null
  return (
    <nav class="languages" aria-label={messagesOf(look).common.language}>
      {languageNames
        .filter(name => name !== look.language)
        .map(name => (
          <a href={languageLink(name, here)} lang={name} hreflang={name}>
            {languages[name].name}
          </a>
        ))}
    </nav>
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
