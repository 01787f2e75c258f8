import { createHash } from 'node:crypto'

/** How a callback ended, for its page. */
export type CallbackOutcome = 'allowed' | 'refused' | 'failed'

/** Returns how a callback ended, from its URL. */
export function callbackOutcome(url: URL): CallbackOutcome {
  const error = url.searchParams.get('error')
  if (error === null) return 'allowed'
  return error === 'access_denied' ? 'refused' : 'failed'
}

// The look of the pages of an auth server.
const style =
  ':root{color-scheme:light dark;--page:#f3f5f7;--card:#fff;--text:#1b1f24;--quiet:#545d68;--line:#c9d0d8}' +
  '@media(prefers-color-scheme:dark){:root{--page:#0f1215;--card:#191d22;--text:#e9ecef;--quiet:#aab3bd;--line:#3d454e}}' +
  '*{box-sizing:border-box}body{margin:0;background:var(--page);color:var(--text);font:1rem/1.5 system-ui,sans-serif}' +
  'main{max-width:34rem;min-height:100vh;margin:0 auto;padding:clamp(1rem,4vw,2rem);background:var(--card)}' +
  '@media(min-width:40rem){body{padding:2.5rem 1rem}main{min-height:0;border:1px solid var(--line);border-radius:1rem}}' +
  'h1{margin:0 0 1rem;font-size:1.5rem;line-height:1.25}p{margin:0 0 1rem}.quiet{margin:0;color:var(--quiet);font-size:.875rem}'

const words: Readonly<Record<CallbackOutcome, readonly [title: string, text: string]>> = {
  allowed: [
    'Allowed',
    'The program that sent you here has your answer, and goes on by itself. If it has stopped waiting, go back to it and ask it again.',
  ],
  refused: ['Refused', 'The program that sent you here has been told, and gets no access.'],
  failed: ['This did not work', 'Nothing was allowed. The program that sent you here has been told.'],
}

/** Returns the page that ends a callback. Its text is fixed: a link must not put words into it (content injection). */
export function loopbackPage(brought: CallbackOutcome): Buffer {
  const [title, text] = words[brought]
  return Buffer.from(
    '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">' +
      '<meta name="viewport" content="width=device-width, initial-scale=1"><meta name="color-scheme" content="light dark">' +
      `<link rel="icon" href="data:,"><title>${title}</title><style>${style}</style></head>` +
      `<body><main><h1>${title}</h1><p>${text}</p><p class="quiet">You can close this page.</p></main></body></html>`,
  )
}

const styleHash = createHash('sha256').update(style).digest('base64')

/** The content security policy of the page: its own style, and nothing else. */
export const loopbackPolicy: string = `default-src 'none'; style-src 'sha256-${styleHash}'; img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'`
