package com.example.bank;

/** Checks of the fees, without a test library. */
public class TransfersCheck {
    public static void main(String[] arguments) {
        Transfers transfers = new Transfers();
        if (transfers.fee(10_000, "domestic", "DE", true, false, 1) != 150) {
            throw new AssertionError("an express transfer costs 1.50");
        }
    }
}
