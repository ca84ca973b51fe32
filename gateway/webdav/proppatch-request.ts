/** Knows what a PROPPATCH asks, instruction by instruction. */
import { isLive } from './properties.js'
import type { DeadProperty } from './resource.js'
import { elementsOf, isDav, type XmlElement } from './xml-reading.js'
import { innerXml, type PropertyName } from './xml-writing.js'

export type Instruction =
  | { readonly kind: 'set'; readonly property: DeadProperty }
  | { readonly kind: 'remove'; readonly property: PropertyName }

/** In the order of the document, which is the order they are to be carried out in. Undefined where it is no PROPPATCH. */
export function instructionsOf(root: XmlElement): Instruction[] | undefined {
  if (!isDav(root, 'propertyupdate')) return undefined
  return elementsOf(root).flatMap((group) => {
    const isSet = isDav(group, 'set')
    if (!isSet && !isDav(group, 'remove')) return []
    return elementsOf(group)
      .filter((child) => isDav(child, 'prop'))
      .flatMap(elementsOf)
      .map((element) => (isSet ? setting(element) : removing(element)))
  })
}

export function isProtected({ property }: Instruction): boolean {
  return isLive(property)
}

function setting(element: XmlElement): Instruction {
  const { namespace, local, language } = element
  const inner = innerXml(element)
  const named = { namespace, local, inner }
  return { kind: 'set', property: language === undefined ? named : { ...named, language } }
}

function removing({ namespace, local }: XmlElement): Instruction {
  return { kind: 'remove', property: { namespace, local } }
}
