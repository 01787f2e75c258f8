/** A comment that says why parameters of the function or method below it are not checked. */
export interface Unchecked {
  /** The name of the function, or `Interface.method`. */
  readonly name: string
  readonly parameters: readonly string[]
}

const comment =
  /^[ \t]*\/\/ unchecked options (?<parameters>\S+(?: and \S+)*): \S.+\n(?:[ \t]*\/\/ .+\n)*[ \t]*(?:export (?:async )?function (?<fn>\w+)|(?<method>\w+)\??[<(])/gm

/**
 * The comments of a source, such as `// unchecked options o: all members are required`; `{}` stands for a parameter that is
 * taken apart at once. @throws Error for one that cannot be read, or stands above nothing
 */
export function uncheckedIn(text: string, file = ''): readonly Unchecked[] {
  const found = [...text.matchAll(comment)].map(({ index, groups = {} }) => {
    const { parameters = '', fn, method = '' } = groups
    const owner = [...text.slice(0, index).matchAll(/^export interface (\w+)/gm)].at(-1)?.[1]
    return { name: fn ?? `${owner}.${method}`, parameters: parameters.split(' and ') }
  })
  const written = text.match(/\/\/ unchecked options /g)?.length ?? 0
  if (written === found.length) return found
  throw new Error(`${file} write "// unchecked options NAME: WHY" directly above a function or a method`)
}
