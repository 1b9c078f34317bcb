// What a rollout was like, for its way back: each look for contacts, and each substep as it began.

struct Moment {  // a substep
    float h;  // [s]
    Array<Pose> poses;      // that it began with
    Array<int> acting;      // contacts that its rows are of
    Backward<float> solve;  // with all that it saw
};

struct Look {
    int step;
    Array<Contact> contacts;  // with what they did in the last of these substeps
    Array<Moment> moments;
};

struct Tape {
    Array<Look> looks;
    Array<Array<uint8_t>> asleep;  // after each step
};
