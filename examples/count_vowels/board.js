// What was counted by all, for everybody to see.
import { handler } from "troupe";

export const init = handler(() => ({ texts: 0, vowels: 0 }));

export const counted = handler(({ count }, { texts, vowels }) => ({ texts: texts + 1, vowels: vowels + count }));
