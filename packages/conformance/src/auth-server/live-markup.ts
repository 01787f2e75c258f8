/** Markup that runs a script where a page takes a text for HTML; `what` says which text it was. */
export function markup(what: string): string {
  return `"><img src=x onerror=conformance(${what})>`
}

/** The same as one word, which may be a scope, a purpose or an operation. */
export function markupWord(what: string): string {
  return `<svg/onload=conformance(${what})>`
}

/** The texts whose markup a browser would take for elements or attributes, whose scripts would run. */
export function liveMarkup(page: string): string[] {
  const text = page.replace(/<!--[\s\S]*?-->/g, '')
  const found: string[] = []
  const tag = /<[a-z][^\s/>]*/gi
  while (tag.exec(text) !== null) {
    const { attributes, end } = attributesFrom(text, tag.lastIndex)
    tag.lastIndex = end
    const handlers = attributes.filter(([name]) => /^on/i.test(name))
    found.push(...handlers.flatMap(([, value]) => /conformance\((.*?)\)/.exec(value)?.[1] ?? []))
  }
  return found
}

/** Reads attributes as browsers do: a quotation mark counts after `=` only. */
function attributesFrom(text: string, from: number) {
  const attributes: Array<readonly [name: string, value: string]> = []
  let end = from
  const take = (pattern: RegExp): RegExpExecArray | null => {
    pattern.lastIndex = end
    const taken = pattern.exec(text)
    end += taken?.[0].length ?? 0
    return taken
  }
  for (;;) {
    take(/[\s/]*/y)
    const name = take(/[^\s/>][^\s/>=]*/y)?.[0]
    if (name === undefined) return { attributes, end }
    const value =
      take(/\s*=\s*(?:"([^"]*)"|'([^']*)'|([^\s>]*))/y)
        ?.slice(1)
        .join('') ?? ''
    attributes.push([name, value])
  }
}
