/** @jsxImportSource hono/jsx */

import { raw } from 'hono/html'
import type { Child } from 'hono/jsx'
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
        <title>{title}</title>
        <style>{raw(stylesheet)}</style>
      </head>
      <body>
        <main>{children}</main>
      </body>
    </html>,
  )
}
