/** Every page by its file, such as `docs/protocol.md` → `protocol.md`. */
export function pagesOf(root: string): Map<string, string>
/** The pages by reader and task. */
export const groups: ReadonlyArray<{
  readonly text: string
  readonly items: ReadonlyArray<{ readonly text: string; readonly link: string }>
}>
