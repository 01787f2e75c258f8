import { html } from 'hono/html'

type Html = ReturnType<typeof html>

/** The headers of such a page. */
export const pageHeaders = {
  'content-type': 'text/html; charset=utf-8',
  'cache-control': 'no-store',
  'referrer-policy': 'no-referrer',
  'content-security-policy': "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'; base-uri 'none'",
} as const

/** Asks a user to agree. @param items what for, as items of a list */
export function consentForm(items: Html): Html {
  return html`<p>If you agree, it may:</p>
<ul class="scopes">${items}</ul>
<form method="post">
<button name="decision" value="deny">Refuse</button>
<button name="decision" value="allow">Allow</button>
</form>`
}

/** A page of an OAuth provider of the playground. */
export function providerPage(title: string, heading: string, content: Html): Html {
  return html`<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<link rel="icon" href="data:,">
<title>${title}</title>
<style>
body { font: 1.0625rem/1.5 system-ui, sans-serif; max-width: 32rem; margin: 3rem auto; padding: 0 1rem }
form { display: flex; gap: .75rem; flex-wrap: wrap; margin-top: 1.5rem }
button { font: inherit; padding: .5rem 1.25rem; border-radius: .5rem; border: 1px solid; cursor: pointer }
</style>
<main>
<h1>${heading}</h1>
${content}
</main>
</html>`
}
