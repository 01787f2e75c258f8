/** Every member or element. @see protocol §9 */
const every = '*'

const none: readonly PointerNode[] = []

/** Pointers as a tree: one node a segment. */
export interface PointerNode {
  /** A pointer ends here: it names this value, whole. */
  isEnd: boolean
  readonly next: Map<string, PointerNode>
}

/** What lists of pointers say of one place in a JSON value. */
export interface Place {
  /**
   * `whole`: every list has a pointer that names this value or one around it. `none`: some list has none that leads here. `way`: some
   * pointer leads further down.
   */
  readonly kind: 'whole' | 'none' | 'way'
  member(name: string): Place
  element(index: number): Place
}

/**
 * The root of all that lists of JSON pointers name; a value counts where each list names it. Within a list a segment `*` stands for
 * every member or element, so a member of that name has no pointer of its own.
 * @see protocol §9, RFC 6901
 */
export function placesOf(lists: ReadonlyArray<readonly string[]>): Place {
  return placeOf(lists.map(pointers => [treeOf(pointers)]))
}

function treeOf(pointers: readonly string[]): PointerNode {
  const root = pointerRoot()
  for (const pointer of pointers) endOf(root, pointer).isEnd = true
  return root
}

/** A tree without pointers. */
export function pointerRoot(): PointerNode {
  // bound: one call
  return { isEnd: false, next: new Map() }
}

/** The node at which a pointer ends; the way to it is made where there is none. */
export function endOf(root: PointerNode, pointer: string): PointerNode {
  let node = root
  for (const segment of segmentsOf(pointer)) {
    const next = node.next.get(segment) ?? pointerRoot()
    node.next.set(segment, next)
    node = next
  }
  return node
}

function segmentsOf(pointer: string): string[] {
  // `~1` first: `~01` is `~1` written out.
  return pointer
    .split('/')
    .slice(1)
    .map(segment => segment.replaceAll('~1', '/').replaceAll('~0', '~'))
}

/** A list whose pointers named something around this place. */
type Reached = readonly PointerNode[] | 'whole'

const whole: Place = { kind: 'whole', member: () => whole, element: () => whole }
const nowhere: Place = { kind: 'none', member: () => nowhere, element: () => nowhere }

function placeOf(reached: readonly Reached[]): Place {
  const lists = reached.map(nodes => (nodes !== 'whole' && nodes.some(({ isEnd }) => isEnd) ? 'whole' : nodes))
  if (lists.some(nodes => nodes !== 'whole' && nodes.length === 0)) return nowhere
  if (lists.every(nodes => nodes === 'whole')) return whole
  const ways = lists.flatMap(nodes => (nodes === 'whole' ? none : nodes))
  const step = stepping(ways, lead =>
    placeOf(lists.map(nodes => (nodes === 'whole' ? nodes : nodes.flatMap(node => lead(node))))),
  )
  const last = lastIndex(ways)
  // Beyond what pointers name by number, all elements share one place: its name is not made for each.
  return { kind: 'way', member: step, element: index => step(index > last ? every : String(index)) }
}

/** The highest index that a pointer names here; -1 where none does. */
function lastIndex(nodes: readonly PointerNode[]): number {
  const indices = nodes.flatMap(({ next }) => [...next.keys()]).filter(segment => /^(?:0|[1-9]\d*)$/.test(segment))
  return Math.max(-1, ...indices.map(Number))
}

/**
 * Leads from a place to those one segment below.
 * @param make makes a place, by what leads there from one node
 */
export function stepping<P>(
  nodes: readonly PointerNode[],
  make: (lead: (node: PointerNode) => PointerNode[]) => P,
): (segment: string) => P {
  const named = new Set(nodes.flatMap(({ next }) => [...next.keys()]))
  // Made when they are met, and kept: all elements of an array mostly share one place.
  // bound: one call
  const places = new Map<string, P>()
  return segment => {
    const key = named.has(segment) ? segment : every
    const known = places.get(key)
    if (known !== undefined) return known
    const place = make(node => nextOf(node, key))
    places.set(key, place)
    return place
  }
}

function nextOf({ next }: PointerNode, segment: string): PointerNode[] {
  const names = segment === every ? [every] : [segment, every]
  return names.flatMap(name => next.get(name) ?? [])
}
