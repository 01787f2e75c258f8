/** Shortens codes and refresh tokens, in JSON, forms and URLs: a person who sees them on a screen could use them. */
export function shortenSecrets(text: string): string {
  return text.replace(
    /((?:^|[&?"])(?:code|refresh_token|csrf)(?:=|" ?: ?"))([\w%.~+/-]{6})[\w%.~+/-]+/g,
    (_, name: string, begin: string) => `${name}${begin}…`,
  )
}
