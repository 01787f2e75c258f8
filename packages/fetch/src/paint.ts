import { styleText } from 'node:util'

/** Colours texts, or leaves them as they are. */
export type Paint = (style: 'red' | 'green' | 'cyan' | 'dim', text: string) => string

/** Colours for a terminal, unless `NO_COLOR` says not to. @see https://no-color.org */
export function paintFor(
  output: { readonly isTTY?: boolean },
  env: Readonly<Record<string, string | undefined>> = process.env,
): Paint {
  const isPlain = output.isTTY !== true || (env['NO_COLOR'] ?? '') !== '' || env['TERM'] === 'dumb'
  return isPlain ? (_, text) => text : (style, text) => styleText(style, text, { validateStream: false })
}
